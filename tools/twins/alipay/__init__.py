"""The Alipay open platform's twin: `gateway.do` with RSA2 both ways, the medical and the plain trade methods, and bills (C§2).

What the platform does not publish is ours and said to be so where it stands: values of the two medical states, order types,
fields of the medical notify, numbers of some refusals.
"""
