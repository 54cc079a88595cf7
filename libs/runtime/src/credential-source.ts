import type { Agent } from 'node:http';

/** What the TLS connections are made with; PEM, as text or bytes. */
export type KubeTls = Readonly<Partial<Record<'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized', unknown>>>;

/** The address of an API server and what it wants to see. */
export interface KubeAccess {
  readonly server: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: KubeTls;
  /** Makes the connections, where a proxy stands between; it knows the TLS settings. */
  readonly proxy?: { readonly url: string; readonly agent: Agent } | undefined;
}

/** Where addresses, certificates and tokens come from; they may change while the process runs. */
export interface CredentialSource {
  /** The namespace that the kubeconfig or the pod names, if any. */
  readonly namespace: string | undefined;
  /** `anew` forgets what was kept from before, after a 401. @throws Error when a file or an exec plugin fails */
  read(anew: boolean): Promise<KubeAccess>;
}

/** What a kubeconfig file says; in a pod, where there is none, nothing of it is loaded. `path` and errors: as `kubeconfigSource`. */
export const loadKubeconfig = async (path: string | undefined): Promise<CredentialSource> =>
  (await import('./kubeconfig.ts')).kubeconfigSource(path);
