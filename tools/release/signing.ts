import { join } from 'node:path';

/** Types of what is attested, as cosign names them. */
export type Attested = 'spdxjson' | 'slsaprovenance1';

/** What is signed, by cosign. `ref`: repository and digest in a registry. All throw an Error with cosign's words. */
export interface Signing {
  sign(ref: string): Promise<void>;
  /** `predicate`: a file. */
  attest(ref: string, type: Attested, predicate: string): Promise<void>;
  signFile(file: string, bundle: string): Promise<void>;
  verify(ref: string): Promise<void>;
  /** Returns what is attested and well signed. */
  verifyAttestation(ref: string, type: Attested): Promise<readonly unknown[]>;
  verifyFile(file: string, bundle: string): Promise<void>;
}

/** Who signs: flags of cosign. */
interface Signer {
  readonly sign: readonly string[];
  readonly verify: readonly string[];
}

/**
 * The workflow of the release itself, by the identity that GitHub gives its run; its signatures stand in Sigstore's public log.
 * Source: docs.sigstore.dev, "Keyless signing".
 */
export const byWorkflow = (version: string): Signer => ({
  sign: [],
  verify: [
    `--certificate-identity=https://github.com/cloud37/wasabi-s3-operator/.github/workflows/release.yml@refs/tags/v${version}`,
    '--certificate-oidc-issuer=https://token.actions.githubusercontent.com',
  ],
});

/**
 * A key pair, made in `folder` and without a password, for a trial without any network: neither a log nor a clock of others is asked.
 * `run`: runs cosign.
 */
export const byNewKeyPair = async (
  folder: string,
  run: (...args: readonly string[]) => Promise<string>,
): Promise<Signer> => {
  const [key, services, trusted] = ['cosign', 'signing-config.json', 'trusted-root.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await run('generate-key-pair', `--output-key-prefix=${key}`);
  await run('signing-config', 'create', `--out=${services}`);
  await run('trusted-root', 'create', `--out=${trusted}`);
  return {
    sign: [`--key=${key}.key`, `--signing-config=${services}`, `--trusted-root=${trusted}`],
    verify: [`--key=${key}.pub`, '--insecure-ignore-tlog=true', `--trusted-root=${trusted}`],
  };
};

/** `run`: runs cosign; returns what it printed. */
export const createSigning = (run: (...args: readonly string[]) => Promise<string>, signer: Signer): Signing => ({
  async sign(ref) {
    await run('sign', '--yes', ...signer.sign, ref);
  },
  async attest(ref, type, predicate) {
    await run('attest', '--yes', ...signer.sign, `--type=${type}`, `--predicate=${predicate}`, ref);
  },
  async signFile(file, bundle) {
    await run('sign-blob', '--yes', ...signer.sign, `--bundle=${bundle}`, file);
  },
  async verify(ref) {
    await run('verify', ...signer.verify, ref);
  },
  async verifyAttestation(ref, type) {
    return predicatesIn(await run('verify-attestation', ...signer.verify, `--type=${type}`, ref));
  },
  async verifyFile(file, bundle) {
    await run('verify-blob', ...signer.verify, `--bundle=${bundle}`, file);
  },
});

/** What cosign prints of attestations: an envelope a line. Source: in-toto, DSSE and Statement v1. */
export const predicatesIn = (printed: string): readonly unknown[] =>
  printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { payload } = JSON.parse(line) as { readonly payload: string };
      const statement = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as { readonly predicate: unknown };
      return statement.predicate;
    });
