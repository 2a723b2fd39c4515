# The service without the embedded PostgreSQL: DATABASE_URL must name a server, version 15 or newer.
#   docker build -t massage-fhir .
#   docker run -p 8000:8000 -e DATABASE_URL=postgresql://user:password@database/massage \
#     -e BASE_URL=https://fhir.example.org/fhir -e TRUSTED_PROXIES=172.16.0.0/12 massage-fhir
# It starts with access control (AUTH_MODE=smart) and refuses to start without the https:// URL that clients know it by
# and the networks of the proxy where TLS ends (or TLS_CERTIFICATE and TLS_KEY).

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/massage-fhir
COPY requirements-image.lock ./
RUN /opt/massage-fhir/bin/pip install --require-hashes --requirement requirements-image.lock
COPY pyproject.toml ./
COPY alembic ./alembic
COPY service ./service
RUN /opt/massage-fhir/bin/pip install --no-index --no-deps --no-build-isolation . \
    && /opt/massage-fhir/bin/pip uninstall --yes hatchling packaging pathspec pluggy tomlkit trove-classifiers pip

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="massage-fhir" \
      org.opencontainers.image.description="A FHIR R4 service for medical massage"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin massage
COPY --from=build /opt/massage-fhir /opt/massage-fhir
ENV PATH="/opt/massage-fhir/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    AUTH_MODE=smart \
    PORT=8000 \
    LOG_FORMAT=json
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request; tls = os.environ.get('TLS_CERTIFICATE'); urllib.request.urlopen(('https' if tls else 'http') + '://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=2, context=ssl._create_unverified_context() if tls else None)"]
ENTRYPOINT ["massage-fhir"]
CMD ["serve"]
