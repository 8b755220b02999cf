"""What the tests of the Cloudflare deployment stand on: wrangler, workerd, stand-ins."""
