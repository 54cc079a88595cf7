import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { TlsSettings } from './connection.ts';

/** The connections of one Provider, kept alive and shared by its clients. */
export interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
  close(): void;
}

const sockets = { keepAlive: true, maxSockets: 50 };

/** A custom CA is added to the roots that Node trusts; skipping the check holds for these connections alone. */
export const createAgents = ({ insecureSkipVerify, caCertificate }: TlsSettings): Agents => {
  const httpAgent = new HttpAgent(sockets);
  const httpsAgent = new HttpsAgent({
    ...sockets,
    rejectUnauthorized: !insecureSkipVerify,
    ...(caCertificate === undefined ? {} : { ca: [...getCACertificates('default'), caCertificate] }),
  });
  return {
    httpAgent,
    httpsAgent,
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};
