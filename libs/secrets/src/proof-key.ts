import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { createProver, type Prover } from '@operator/ownership';
import { fieldManager, isKubeError, type KubeClient } from '@operator/runtime';
import { readSecret } from './read-secret.ts';
import { secretResource } from './secret-resource.ts';

/** Name of the Secret in the operator's own namespace that holds the key of all proofs. The controllers share it. */
const proofKeySecretName = 's3-operator-proof-key';
const dataKey = 'key';
const keyBytes = 32;

/** Gives what proves and checks the memories in statuses; reads its key once. */
export type ProverSource = (signal: AbortSignal) => Promise<Prover>;

/**
 * Reads the key, and makes it where there is none: whichever controller comes first. `random`: bytes from a cryptographic source.
 * @throws Fault `waiting` SecretValueInvalid when the Secret is there without a usable key; KubeError
 */
export const createProverSource = (
  kube: KubeClient,
  namespace: string,
  random: (bytes: number) => Buffer,
): ProverSource => {
  let known: Promise<Prover> | undefined;
  return (signal) => {
    known ??= findOrMake(kube, namespace, random, signal).catch((caught: unknown) => {
      known = undefined;
      throw caught;
    });
    return known;
  };
};

const findOrMake = async (
  kube: KubeClient,
  namespace: string,
  random: (bytes: number) => Buffer,
  signal: AbortSignal,
): Promise<Prover> => {
  const found = await read(kube, namespace, signal);
  if (found !== undefined) return found;
  await make(kube, namespace, random(keyBytes), signal);
  // Another controller may have been first: the key that stands is the one.
  const made = await read(kube, namespace, signal);
  if (made !== undefined) return made;
  throw waiting(
    reasons.SecretNotFound,
    `Secret ${namespace}/${proofKeySecretName} was removed right after it was made.`,
  );
};

const read = async (kube: KubeClient, namespace: string, signal: AbortSignal): Promise<Prover | undefined> => {
  const secret = await readSecret(kube, namespace, proofKeySecretName, { signal });
  if (secret === undefined) return undefined;
  const value = secret.data.get(dataKey);
  if (value === undefined || Buffer.from(value.reveal(), 'base64').length < keyBytes) {
    throw waiting(
      reasons.SecretValueInvalid,
      `Secret ${namespace}/${proofKeySecretName} has no key ${dataKey} with at least ${String(keyBytes)} bytes in base64. ` +
        'Restore it from a backup. Without it, what the statuses remember counts as unproven; deleting the Secret makes a new key.',
    );
  }
  return createProver(value);
};

const make = async (kube: KubeClient, namespace: string, key: Buffer, signal: AbortSignal): Promise<void> => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: proofKeySecretName, labels: { 'app.kubernetes.io/managed-by': fieldManager } },
    type: 'Opaque',
    data: { [dataKey]: Buffer.from(key.toString('base64')).toString('base64') },
  };
  try {
    await kube.create(secretResource, secret, { signal });
  } catch (caught) {
    if (!isKubeError(caught, 409)) throw caught;
  }
};
