"""The records of the contract as plain dictionaries."""


def lma_binding(prefix, remote, *, local, table="pmip", **more):
    """A binding of an LMA: the prefix is behind the tunnel local–remote."""
    return {"table": table, "prefix": prefix, "tunnel": {"local": local, "remote": remote}, **more}


def mag_binding(prefix, *, local, remote, port, mac, **more):
    """A binding of a MAG: the prefix belongs to the mobile node with this MAC on this access port."""
    access = {"port": port, "mac": mac}
    if "vlan" in more:
        access["vlan"] = more.pop("vlan")
    return {"table": "pmip", "prefix": prefix, "tunnel": {"local": local, "remote": remote}, "access": access, **more}
