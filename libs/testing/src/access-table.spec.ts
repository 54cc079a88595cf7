import { expect, it } from 'vitest';
import { deviationRows, rowsOfPage } from './access-table.ts';

it('docs/access-levels.md has each deviation of a server, and no other', () => {
  const servers = ['MinIO', 'moto', 'Ceph RGW', 'SeaweedFS'];
  const told = servers.flatMap((server) => rowsOfPage(`| ${server} `));
  expect(told).toEqual(deviationRows());
});
