"""Traces for OpenTelemetry: spans of requests, events, attempts and pieces of jobs, sent where `WORKWIRE_TRACE_ENDPOINT` says.

The trace of an event has the event's GUID as its id, and the event's span an id made of it. So the attempts of another
process, days later, belong to it without anything being stored or handed on; the event's span links to the request that made
it. Spans hold names, numbers and outcomes, nothing of a record's content.

The packages of OpenTelemetry are no part of an ordinary installation (`requirements/tracing.txt`): only `opentelemetry_tracer`
loads them.
"""
