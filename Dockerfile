# The local server and the operator's commands, for who has no Rust. The binary is built before: see
# .github/workflows/release.yml.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
ARG BINARY=customers-categories
COPY ${BINARY} /usr/local/bin/customers-categories
# Nobody but this user needs the data.
RUN useradd --uid 10001 --create-home customers && install -d -o customers -g customers -m 0700 /data
USER customers
WORKDIR /data
VOLUME /data
# A published port leads to the container's own address, not to its loopback. The DynamoDB endpoint stays there: it
# asks nobody for credentials, and commands run beside the server reach it.
ENV LOCAL_ADDRESS=0.0.0.0 LOCAL_DATA=/data/customers-categories.db
EXPOSE 3000
ENTRYPOINT ["customers-categories"]
