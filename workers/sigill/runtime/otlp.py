"""
Spans on their way to a collector. Imported only where one is set: SDK and exporter are a tenth of what a start takes.
"""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def resource_of(service: str, *, version: str, instance: str = "") -> Resource:
    """Return what a process says of itself in every span, by the conventions' names."""
    return Resource.create(
        {
            "service.name": service,
            "service.version": version,
            "service.instance.id": instance,
            "service.namespace": "sigill",
        }
    )


def tracer_provider(service: str, endpoint: str, *, version: str, instance: str = "") -> TracerProvider:
    """Return a provider that sends spans to an OTLP collector over HTTP."""
    provider = TracerProvider(resource=resource_of(service, version=version, instance=instance))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
