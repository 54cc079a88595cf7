/* What the programs of a node are told. Everything here is text; nothing is started. */

/** Addresses inside the node's own network, which nothing outside reaches: any number of nodes may have the same. */
export const nodeAddress = '10.99.0.1';
const podNetwork = '10.98.0.0/16';
export const nodeName = 'node';

/** Paths as programs on the node see them. */
export const onNode = {
  /** The node's own folder. */
  folder: '/srv',
  programs: '/opt',
  containerd: '/run/containerd/containerd.sock',
  kubeconfigOf: (user: string) => `/srv/${user.replaceAll(':', '-')}.kubeconfig`,
} as const;

export const pauseImage = 'localhost/pause:1';

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * How the API server reaches what is on the node: by a proxy at a socket, as nothing of the node listens where the API server is.
 * Source: kubernetes.io, "Set up Konnectivity service", EgressSelectorConfiguration.
 */
export const egressSelector = (socket: string): string =>
  json({
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
    egressSelections: [
      {
        name: 'cluster',
        connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: socket } } },
      },
    ],
  });

/** `ca`: PEM. */
export const nodeKubeconfig = (to: { readonly port: number; readonly ca: string; readonly token: string }): string =>
  json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'cluster',
        cluster: {
          server: `https://${nodeAddress}:${to.port}`,
          'certificate-authority-data': Buffer.from(to.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'user', user: { token: to.token } }],
    contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'cluster',
  });

/** Source: containerd, docs/cri/config.md. */
export const containerdConfig = (): string => `version = 3
root = '${onNode.folder}/containerd'
state = '/run/containerd'

[grpc]
address = '${onNode.containerd}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '${pauseImage}'

[plugins.'io.containerd.cri.v1.runtime']
# Whoever starts the node may lack the right to lower the score of what it starts (CAP_SYS_RESOURCE).
restrict_oom_score_adj = true
disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '/usr/sbin/runc'
SystemdCgroup = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['${onNode.programs}']
conf_dir = '${onNode.folder}/cni'
`;

/** Each pod has a link of its own to the node, so that all it sends is routed there, where kube-proxy's rules are. */
export const cniConfig = (): string =>
  json({
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni',
          ranges: [[{ subnet: podNetwork }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });

/** `cgroup`: the control group that all pods are below. */
export const kubeletConfig = (cgroup: string): string =>
  json({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: nodeAddress,
    // Nobody reaches it but the API server and the pods of a cluster that is for tests.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['none'],
    containerRuntimeEndpoint: `unix://${onNode.containerd}`,
    podLogsDir: `${onNode.folder}/pods`,
    volumePluginDir: `${onNode.folder}/volume-plugins`,
    resolvConf: '',
    // The machine's disk is not the node's own: how full it is says nothing.
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    oomScoreAdj: 0,
    // How soon a mounted Secret follows: a minute by default.
    syncFrequency: '5s',
  });

/** Source: kubernetes.io, "Virtual IPs and Service Proxies", nftables. */
export const kubeProxyConfig = (): string =>
  json({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: podNetwork,
    bindAddress: nodeAddress,
    hostnameOverride: nodeName,
    clientConnection: { kubeconfig: onNode.kubeconfigOf('system:kube-proxy') },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
  });
