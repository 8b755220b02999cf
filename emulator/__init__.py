"""A local stand-in for Cloudflare Pipelines: HTTP ingest into DuckDB."""
