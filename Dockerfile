# Pinned by tag. For production, pin the digest too: --build-arg PYTHON=python:3.12-slim-bookworm@sha256:…
ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS builder
WORKDIR /src
COPY requirements.lock requirements-dev.lock ./
# Everything is a wheel pinned by hash, the build back end too: an sdist would fetch its build tools past the lock.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-dev.lock \
    && python -m venv --without-pip /opt/betcore-watchdog \
    && /opt/build/bin/pip --python /opt/betcore-watchdog install \
        --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md ./
COPY watchdog watchdog
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /dist \
    && /opt/build/bin/pip --python /opt/betcore-watchdog install --no-cache-dir --no-index --no-deps /dist/*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="betcore-watchdog" \
      org.opencontainers.image.description="Health and SLA watchdog for the BETCORE live feed, exposed to Prometheus" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12-slim-bookworm"
COPY --from=builder /opt/betcore-watchdog /opt/betcore-watchdog
# For a history. A new volume that is mounted here belongs to whom this folder belongs to.
RUN install --directory --owner=65532 --group=65532 --mode=0750 /var/lib/betcore-watchdog
# The modules were compiled at installation. Nothing else is written, so the root file system may be read-only.
ENV PATH=/opt/betcore-watchdog/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 9877
STOPSIGNAL SIGTERM
# It asks over plain HTTP, for `listen = "0.0.0.0:9877"`. A 401 from basic auth is an answer too. There is no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 9877, timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status not in (200, 401))"]
ENTRYPOINT ["betcore-watchdog"]
CMD ["run", "--config", "/etc/betcore-watchdog/watchdog.toml"]
