// Logs in, creates a ticket once, changes it, and meets a version that has passed. From the environment: BASE, ACCOUNT, PASSWORD.
package main

import (
	"client/client"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	ctx := context.Background()
	base, account, password := os.Getenv("BASE"), os.Getenv("ACCOUNT"), os.Getenv("PASSWORD")
	var token string
	authorized := client.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		return nil
	})
	api, err := client.NewClientWithResponses(base, authorized)
	check(err == nil, err)
	session, err := api.CreateTokenWithResponse(ctx, client.Login{Username: &account, Password: &password})
	check(err == nil && session.StatusCode() < 300, err, session)
	token = session.JSON201.Token
	kind := client.ListProcessVersionsParamsKind("ticket")
	versions, err := api.ListProcessVersionsWithResponse(ctx, &client.ListProcessVersionsParams{Kind: &kind})
	check(err == nil && versions.JSON200 != nil && len(versions.JSON200.Items) > 0, err, versions)
	key, title := fmt.Sprintf("flow-%d", time.Now().UnixNano()), "Made by a Go client"
	wish := client.ItemIn{ProcessVersion: versions.JSON200.Items[0].Guid, Title: &title}
	made, err := api.CreateTicketWithResponse(ctx, &client.CreateTicketParams{IdempotencyKey: &key}, wish)
	check(err == nil && made.JSON201 != nil, err, made)
	again, err := api.CreateTicketWithResponse(ctx, &client.CreateTicketParams{IdempotencyKey: &key}, wish)
	check(err == nil && again.JSON201 != nil && again.JSON201.Guid == made.JSON201.Guid, "one key made two tickets", err)
	version, changedTitle := `"1"`, "Changed by a Go client"
	terms, change := &client.UpdateWorkItemParams{IfMatch: &version}, client.ItemFields{Title: &changedTitle}
	changed, err := api.UpdateWorkItemWithResponse(ctx, made.JSON201.Guid, terms, change)
	check(err == nil && changed.JSON200 != nil && changed.JSON200.Title == changedTitle, err, changed)
	late, err := api.UpdateWorkItemWithResponse(ctx, made.JSON201.Guid, terms, change)
	check(err == nil && late.StatusCode() == http.StatusPreconditionFailed, "a version that has passed was changed", err)
}

func check(holds bool, otherwise ...any) {
	if !holds {
		log.Fatal(otherwise...)
	}
}
