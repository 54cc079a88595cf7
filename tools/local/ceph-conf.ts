/** Where a cluster of one monitor, one OSD and one gateway is. Paths are as Ceph's programs see them. */
export interface CephPlace {
  readonly fsid: string;
  /** Ports of 127.0.0.1 for the monitor: its newer protocol, its older. */
  readonly monitorPorts: readonly [number, number];
  /** The gateway's port of 127.0.0.1. */
  readonly port: number;
  /** 16 characters, of the tokens of STS; undefined: no STS. */
  readonly stsKey: string | undefined;
  /** Everything the cluster holds, and its sockets. */
  readonly folder: string;
  /** Debian's folder of libraries for the architecture, `/usr/lib/x86_64-linux-gnu` for instance. */
  readonly libraries: string;
}

/** The monitor's addresses, as ceph.conf and monmaptool take them. */
export const monitorAddresses = ([newer, older]: CephPlace['monitorPorts']): string =>
  `[v2:127.0.0.1:${newer},v1:127.0.0.1:${older}]`;

/** The text of ceph.conf. Each line was needed. Source: Ceph documentation, configuration references of each daemon. */
export const cephConf = ({ fsid, monitorPorts, port, stsKey, folder, libraries }: CephPlace): string => `[global]
fsid = ${fsid}
mon host = ${monitorAddresses(monitorPorts)}
# The ports that the OSD chooses. With "public bind addr" the monitor would move to its well-known ports.
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
# Without keys nothing can be encrypted, and the gateway would hang for 60 s over it.
ms mon client mode = crc
ms mon service mode = crc secure
ms client mode = crc
# Debian's default is relative to where the program starts.
osd class dir = ${libraries}/rados-classes
erasure code dir = ${libraries}/ceph/erasure-code
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
osd crush chooseleaf type = 0
# In memory, and in files after an orderly end, which is not the fast one.
osd objectstore = memstore
osd fast shutdown = false
mon data = ${folder}/mon
osd data = ${folder}/osd
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
setuser match path =
log file =
mon cluster log file = /dev/null
log to stderr = true
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port}
${stsKey === undefined ? 'rgw s3 auth use sts = false' : `rgw s3 auth use sts = true\nrgw sts key = ${stsKey}`}
# Off by default.
rgw enable static website = true
# A day of lifecycle rules lasts 10 s.
rgw lc debug interval = 10
`;
