"""The Alipay twin as merchants and their SDKs meet it."""
