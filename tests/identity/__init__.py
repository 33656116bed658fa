"""Tests of the member identity: domain, store on both databases, operations, and every RPC over loopback."""
