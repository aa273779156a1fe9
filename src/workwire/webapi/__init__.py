"""The documented web API (`/webapi/…`): thin translation, so that connectors written for it work unchanged.

Words: *operation* (one path of the API), *call* (one request to it). Modules: ``operations`` the table and the way of a
call, ``calls`` what came in, ``record_bodies`` how records look, ``refusals`` how errors look; one module for each family of
controllers. Rules (specification: work, section 4): names of paths and parameters and JSON keys in any case; enumerations
as name or number; every refusal changes nothing and carries a `Reason`.
"""
