"""The twin of WeChat Pay v3: medical orders, cash, refunds, bills and notifies, as its public documents and SDKs show it."""
