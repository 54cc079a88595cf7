import { describe, expect, it } from 'vitest';
import { cephConf, monitorAddresses, type CephPlace } from './ceph-conf.ts';

const place: CephPlace = {
  fsid: '6d1f0c1e-0000-4000-8000-000000000001',
  monitorPorts: [4001, 4002],
  port: 4003,
  stsKey: 'sixteen-letters!',
  folder: '/mnt',
  libraries: '/usr/lib/aarch64-linux-gnu',
};
const settings = (text: string) =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => line.split(/ = ?(.*)/s).slice(0, 2) as [string, string]),
  );

describe('cephConf', () => {
  it('puts every address on 127.0.0.1', () => {
    const text = cephConf(place);
    expect(settings(text)).toMatchObject({
      'mon host': '[v2:127.0.0.1:4001,v1:127.0.0.1:4002]',
      'public network': '127.0.0.0/8',
      'rgw frontends': 'beast endpoint=127.0.0.1:4003',
    });
    expect(text).not.toContain('0.0.0.0');
    expect(settings(text)['mon host']).toBe(monitorAddresses(place.monitorPorts));
  });

  it('keeps all that a cluster writes in its folder, and takes libraries from that of the architecture', () => {
    const {
      'mon data': mon,
      'osd data': osd,
      'run dir': run,
      'pid file': pid,
      'admin socket': socket,
    } = settings(cephConf(place));
    for (const path of [mon, osd, run, pid, socket]) expect(path).toMatch(/^\/mnt\//);
    expect(settings(cephConf(place))['osd class dir']).toBe('/usr/lib/aarch64-linux-gnu/rados-classes');
  });

  it('serves STS with a key, and not without', () => {
    expect(settings(cephConf(place))).toMatchObject({
      'rgw s3 auth use sts': 'true',
      'rgw sts key': 'sixteen-letters!',
    });
    const without = settings(cephConf({ ...place, stsKey: undefined }));
    expect(without['rgw s3 auth use sts']).toBe('false');
    expect(without).not.toHaveProperty('rgw sts key');
  });
});
