# Copyright The strongswan_exporter Authors
# SPDX-License-Identifier: Apache-2.0

# The binary and nothing else: no shell, no library, no user database. It is built outside, by scripts/build or a release.
FROM scratch

# The builder says which: linux/amd64, linux/arm64.
ARG TARGETPLATFORM
COPY ${TARGETPLATFORM}/strongswan_exporter /strongswan_exporter

# Nobody. Whom charon lets at its socket is a matter of the group: add it with --group-add or supplementalGroups.
USER 65534:65534
EXPOSE 10500
ENTRYPOINT ["/strongswan_exporter"]

LABEL org.opencontainers.image.title="strongswan_exporter" \
      org.opencontainers.image.description="Prometheus exporter for strongSwan" \
      org.opencontainers.image.source="https://github.com/strongswan-exporter/strongswan_exporter" \
      org.opencontainers.image.licenses="Apache-2.0"
