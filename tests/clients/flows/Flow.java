// Logs in, creates a ticket once, changes it, and meets a version that has passed. From the environment: BASE, ACCOUNT, PASSWORD.
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.OfferingApi;
import org.openapitools.client.api.SessionsApi;
import org.openapitools.client.api.WorkApi;
import org.openapitools.client.model.ItemFields;
import org.openapitools.client.model.ItemIn;
import org.openapitools.client.model.ItemOut;
import org.openapitools.client.model.Login;

public class Flow {
    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("BASE"));
        Login login = new Login().username(System.getenv("ACCOUNT")).password(System.getenv("PASSWORD"));
        String token = new SessionsApi(client).createToken(login).getToken();
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        WorkApi work = new WorkApi(client);
        var version = new OfferingApi(client).listProcessVersions(null, null, "ticket").getItems().get(0).getGuid();
        ItemIn wish = new ItemIn().processVersion(version).title("Made by a Java client");
        String key = "flow-" + System.nanoTime();
        ItemOut made = work.createTicket(wish, key);
        check(made.getGuid().equals(work.createTicket(wish, key).getGuid()), "one key made two tickets");
        ItemFields change = new ItemFields().title("Changed by a Java client");
        ItemOut changed = work.updateWorkItem(made.getGuid(), "\"1\"", change);
        check(changed.getTitle().equals(change.getTitle()), "its title is " + changed.getTitle());
        try {
            work.updateWorkItem(made.getGuid(), "\"1\"", change);
            check(false, "a version that has passed was changed");
        } catch (ApiException refused) {
            check(refused.getCode() == 412, "a version that has passed answers " + refused.getCode());
        }
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
