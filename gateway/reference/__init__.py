"""The reference of both faces, read from the contract: OpenAPI, the national transactions, and a page that shows them."""
