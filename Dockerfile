# The images of a release: `audit` (pods that audit, report and preview), `api` (the query API, the command), `airflow` (every part of Airflow).
# `make image` builds them without a registry; elsewhere: docker build --build-context uv=.venv/bin --target audit .
# A base has Python 3.11 and certificates; Airflow's has git too, to fetch the DAGs, the builds' has binutils. Give them by digest.
ARG BASE=python:3.11-slim-bookworm
ARG BUILD_BASE=python:3.11-bookworm
ARG AIRFLOW_BASE=python:3.11-bookworm

# -- what makes environments; nothing of these stages is in an image but /opt/settlement ----------------------------------
FROM ${BUILD_BASE} AS build
COPY --from=uv uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true UV_CACHE_DIR=/uv-cache
WORKDIR /src
COPY requirements-image.txt ./
RUN uv venv --quiet --python python3.11 /build \
    && VIRTUAL_ENV=/build uv pip install --quiet --require-hashes --requirement requirements-image.txt
COPY local/images/libraries local/images/package /usr/local/bin/

FROM build AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY include include
RUN uv build --quiet --wheel --no-build-isolation --python /build/bin/python --out-dir /wheel

# Libraries come before the package: a change of the code alone leaves them as they are built.
# Of Amazon's 400 services an audit speaks to one, and no statement has a picture in it.
FROM build AS audit-libraries
COPY requirements-audit.txt ./
RUN libraries requirements-audit.txt \
    && uv pip uninstall --quiet --python /opt/settlement/bin/python pillow \
    && find /opt/settlement/lib/python3.11/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' \
       -exec rm -rf {} +

FROM audit-libraries AS audit-environment
COPY --from=wheel /wheel /wheel
RUN package settlement.steps.__main__,settlement.reports.render,settlement.reports.preview_page

FROM build AS api-libraries
COPY requirements-api.txt ./
RUN libraries requirements-api.txt

FROM api-libraries AS api-environment
COPY --from=wheel /wheel /wheel
RUN package settlement.api.app,settlement.cli,settlement.reports.render,settlement.reports.preview_page

FROM build AS airflow-libraries
COPY requirements.txt ./
RUN libraries requirements.txt

FROM airflow-libraries AS airflow-environment
COPY --from=wheel /wheel /wheel
RUN package airflow.__main__,settlement.steps.__main__

# -- the images -----------------------------------------------------------------------------------------------------------
# Of every one: a user without a name to sign in with, a root that nothing writes to (/tmp is mounted), no package manager.
FROM ${BASE} AS common
ARG COMMIT=""
ARG RELEASE=""
ARG VERSION=""
ENV PATH=/opt/settlement/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp USER=settlement TZ=UTC LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SETTLEMENT_COMMIT=${COMMIT}
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      settlement.release="${RELEASE}" \
      settlement.bill-of-materials="/opt/settlement/bom.cdx.json"

FROM common AS audit
COPY --from=audit-environment /opt/settlement /opt/settlement
LABEL org.opencontainers.image.title="settlement-audit" \
      org.opencontainers.image.description="Steps of the royalty settlement, without Airflow"
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "settlement.steps"]

FROM common AS api
COPY --from=api-environment /opt/settlement /opt/settlement
LABEL org.opencontainers.image.title="settlement-api" \
      org.opencontainers.image.description="The query API of the royalty settlement, and its command"
USER 10001:10001
WORKDIR /tmp
EXPOSE 8090
CMD ["python", "-m", "settlement.api"]

FROM ${AIRFLOW_BASE} AS airflow
ARG COMMIT=""
ARG RELEASE=""
ARG VERSION=""
ENV PATH=/opt/settlement/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp USER=settlement TZ=UTC LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SETTLEMENT_COMMIT=${COMMIT} \
    AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false
COPY --from=airflow-environment /opt/settlement /opt/settlement
# Airflow's chart calls its probes through the entry point of Airflow's own image.
RUN printf '#!/bin/sh\nexec "$@"\n' > /entrypoint && chmod 755 /entrypoint
COPY plugins /opt/airflow/plugins
COPY dags /opt/airflow/dags
LABEL org.opencontainers.image.title="settlement-airflow" \
      org.opencontainers.image.description="Airflow with the DAGs, operators and steps of the royalty settlement" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      settlement.release="${RELEASE}" \
      settlement.bill-of-materials="/opt/settlement/bom.cdx.json"
USER 10001:10001
WORKDIR /opt/airflow
