import { lookup as lookUpInDns, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { getCACertificates, TLSSocket } from 'node:tls';
import type { TlsSettings } from './connection.ts';
import { DestinationRefused, type RefusedDestinations } from './destinations.ts';

/** The connections of one Provider, kept alive and shared by its clients. */
export interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
  /** When the certificate ends that ends first, of those that the hosts have shown last; undefined before one was seen. */
  certificateExpiresAt(): Date | undefined;
  close(): void;
}

/** Finds the addresses of a name, as `dns.lookup` does with `all`. */
export type LookUp = (
  host: string,
  options: { readonly all: true },
  found: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Hosts whose certificates are remembered: with buckets in host names there may be many. */
const mostHosts = 50;

/**
 * No call waits for a socket: that time would count as silence of the server, since the deadlines of a connection and of an attempt begin with
 * the request. How many calls there are at once is for the workers and the rate of the Provider to say.
 */
const sockets = { keepAlive: true, maxSockets: Infinity };

/**
 * Resolves a name for a connection, and leaves out refused addresses: what is checked is what is connected to, so that a name
 * that changes its address between two look-ups gains nothing.
 */
const guardedLookup =
  (refused: RefusedDestinations, lookUp: LookUp): LookupFunction =>
  (host, options, found) => {
    lookUp(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        found(error, '');
        return;
      }
      const allowed = addresses.filter(({ address }) => refused.rangeOf(address) === undefined);
      const [first] = allowed;
      const range = addresses.map(({ address }) => refused.rangeOf(address)).find((found) => found !== undefined);
      if (first === undefined && range !== undefined) found(new DestinationRefused(host, range), '');
      else if (options.all === true) found(null, allowed);
      else found(null, first?.address ?? '', first?.family);
    });
  };

/**
 * A custom CA is added to the roots that Node trusts; skipping the check holds for these connections alone. Connections go to
 * no refused destination: they end with a `DestinationRefused`.
 */
export const createAgents = (
  { insecureSkipVerify, caCertificate }: TlsSettings,
  refused: RefusedDestinations,
  lookUp: LookUp = lookUpInDns,
): Agents => {
  const lookup = guardedLookup(refused, lookUp);
  const expiries = new Map<string, number>();
  const noteCertificate = (host: string, socket: TLSSocket): void => {
    // Empty where a session is taken up again, and no date then.
    const expiresAt = Date.parse(socket.getPeerCertificate().valid_to);
    if (Number.isNaN(expiresAt) || (!expiries.has(host) && expiries.size >= mostHosts)) return;
    expiries.set(host, expiresAt);
  };
  const guard = <Made extends HttpAgent>(agent: Made): Made => {
    const connect = agent.createConnection.bind(agent);
    // An address needs no look-up, so it is checked here.
    agent.createConnection = (options, done) => {
      const host = (options.host ?? '').replace(/^\[|\]$/g, '');
      const range = refused.rangeOf(host);
      if (range !== undefined) throw new DestinationRefused(host, range);
      const socket = connect(options, done);
      if (socket instanceof TLSSocket) socket.once('secureConnect', () => noteCertificate(host, socket));
      return socket;
    };
    return agent;
  };
  const httpAgent = guard(new HttpAgent({ ...sockets, lookup }));
  const httpsAgent = guard(
    new HttpsAgent({
      ...sockets,
      lookup,
      rejectUnauthorized: !insecureSkipVerify,
      ...(caCertificate === undefined ? {} : { ca: [...getCACertificates('default'), caCertificate] }),
    }),
  );
  return {
    httpAgent,
    httpsAgent,
    certificateExpiresAt: () => (expiries.size === 0 ? undefined : new Date(Math.min(...expiries.values()))),
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};
