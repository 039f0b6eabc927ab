"""How a host is reached, and what it may answer.

- limits: how much of what hosts send is read, and how long;
- address, trust, tls: which host is meant, and who it proves to be;
- malformed, elements, unescaped, answers: the values in bytes of XML-RPC and JSON-RPC;
- connection, transport: one request and its answer, whole and in time.
"""
