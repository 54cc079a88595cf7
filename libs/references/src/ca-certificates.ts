import { X509Certificate } from 'node:crypto';

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates in a PEM text, and nothing else of it: they are copied into the Secrets of AccessKeys, where a private key beside
 * them, or a text that is none at all, must not get. Each is written anew from what was parsed. Undefined: there is none, or
 * one of them cannot be parsed. Source: RFC 7468.
 */
export const caCertificatesIn = (pem: string): string | undefined => {
  const blocks = pem.match(certificateBlock) ?? [];
  if (blocks.length === 0) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block).toString()).join('');
  } catch {
    return undefined;
  }
};
