# For platforms that mount volumes as root's and nobody else's (Fly, Railway): the published image, run as root inside
# the machine or container that has nothing else in it.
# hadolint ignore=DL3007
FROM ghcr.io/sidequery/hogflare:latest
# hadolint ignore=DL3002
USER 0:0
