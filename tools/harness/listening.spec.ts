import { describe, expect, it } from 'vitest';
import { portIn } from './listening.ts';

const listening = (port: number, ...paths: readonly string[]) =>
  `${JSON.stringify({ level: 'info', event: 'listening', host: '127.0.0.1', port, paths, msg: `listening on port ${port}` })}\n`;

describe('the port of a path', () => {
  const health = listening(20_001, '/healthz', '/readyz');
  it.each([
    ['is unknown in an empty log', '', undefined],
    ['is unknown while only others are served', health, undefined],
    [
      'is read among other lines',
      `(node:1) Warning: …\n${health}${listening(20_002, '/metrics')}{"event":"start"}\n`,
      20_002,
    ],
    [
      'is the one of the last start',
      `${listening(20_002, '/metrics')}${health}${listening(20_003, '/metrics')}`,
      20_003,
    ],
    ['is unknown while its line is being written', listening(20_002, '/metrics').slice(0, -10), undefined],
  ])('%s', (_title, log, port) => {
    expect(portIn(log, '/metrics')).toBe(port);
  });
});
