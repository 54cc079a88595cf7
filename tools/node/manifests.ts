import { consumerImage, minioImage } from './images.ts';

/* What a cluster for tests and the trial runs beside the operator. Every pod keeps to the Pod Security Standard `restricted`. */

const podSecurity = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** A namespace in which nothing but the Pod Security Standard `restricted` is let in. */
export const restrictedNamespace = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});

const deployment = (
  namespace: string,
  name: string,
  { container, volumes }: { readonly container: object; readonly volumes: readonly object[] },
) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    // Two at once would not share a disk.
    strategy: { type: 'Recreate' },
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 5,
        securityContext: podSecurity,
        containers: [{ name, imagePullPolicy: 'Never', securityContext: containerSecurity, ...container }],
        volumes,
      },
    },
  },
});

/** MinIO with its data on the node, where they outlive its pod. `folder`: on the node, and its own. */
export const minioManifests = (
  namespace: string,
  { accessKey, secretKey, folder }: { readonly accessKey: string; readonly secretKey: string; readonly folder: string },
) => {
  const storage = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'minio' },
      spec: { ...storage, capacity: { storage: '1Gi' }, hostPath: { path: folder, type: 'Directory' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: 'minio' },
      spec: { ...storage, volumeName: 'minio', resources: { requests: { storage: '1Gi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: 'minio-root' },
      stringData: { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'minio' },
      spec: { selector: { app: 'minio' }, ports: [{ port: 9000 }] },
    },
    deployment(namespace, 'minio', {
      container: {
        image: minioImage,
        args: ['server', '/data', '--address=:9000', '--console-address=127.0.0.1:9001'],
        env: [{ name: 'HOME', value: '/tmp' }],
        envFrom: [{ secretRef: { name: 'minio-root' } }],
        ports: [{ containerPort: 9000 }],
        readinessProbe: { httpGet: { path: '/minio/health/ready', port: 9000 }, periodSeconds: 2 },
        resources: { requests: { memory: '128Mi' }, limits: { memory: '512Mi' } },
        volumeMounts: [
          { name: 'data', mountPath: '/data' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'minio' } },
        { name: 'tmp', emptyDir: {} },
      ],
    }),
  ];
};

/** An application that uses the key in a Secret, again and again: from its environment, or from the Secret as files. */
export const consumerManifest = (namespace: string, name: string, secretName: string, by: 'environment' | 'files') =>
  deployment(namespace, name, {
    container: {
      image: consumerImage,
      resources: { requests: { memory: '48Mi' }, limits: { memory: '128Mi' } },
      ...(by === 'environment'
        ? { envFrom: [{ secretRef: { name: secretName } }] }
        : {
            args: ['/credentials'],
            volumeMounts: [{ name: 'credentials', mountPath: '/credentials', readOnly: true }],
          }),
    },
    volumes: by === 'environment' ? [] : [{ name: 'credentials', secret: { secretName } }],
  });
