"""Our own REST API (`/api/v1`): resources, cursor pages, problem documents, ETags, idempotent creation, OpenAPI 3.1.

Modules here hold for every version: ``errors`` (RFC 9457), ``auth`` (bearer tokens), ``paging``, ``etags`` (ETag and
If-Match), ``idempotency``. A version is a package with one module for each room.
"""
