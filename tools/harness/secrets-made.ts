/** A secret value that stands where it must not. */
export interface Leak {
  /** What the value is; never the value. */
  readonly secret: string;
  readonly where: string;
}

/** Shorter values would match by chance. */
const leastLength = 8;

/** Under these keys the Secrets of Providers and AccessKeys hold what everybody may see. */
const openKeys: ReadonlySet<string> = new Set([
  'access-key',
  'access-key-id',
  'AWS_ACCESS_KEY_ID',
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'bucket',
  'ca.crt',
  'endpoint',
  'endpoint-host',
  'force-path-style',
  'region',
]);
const secretKeys: ReadonlySet<string> = new Set([
  'secret-key',
  'session-token',
  'secret-access-key',
  'AWS_SECRET_ACCESS_KEY',
]);

/** What is written of a Secret, whole or in part. */
interface SecretBody {
  /** Values in base64; null where a patch removes one. */
  readonly data?: Readonly<Record<string, string | null>>;
  readonly stringData?: Readonly<Record<string, string | null>>;
}

/**
 * Every secret value that a run made, so that its output can be searched for them. Not among them are the secrets of the users
 * behind the keys on MinIO: no process keeps them, and they cross the wire sealed.
 */
export class SecretsMade {
  readonly #names = new Map<string, string>();
  /** Of keys whose names say nothing: secret unless the same value is seen in the open. */
  readonly #doubtful = new Map<string, string>();
  readonly #open = new Set<string>();

  /** `name`: what it is, for the report. Values shorter than 8 characters would match by chance and are refused. */
  add(name: string, value: string): void {
    if (value.length < leastLength) throw new Error(`${name} is too short to be searched for`);
    if (!this.#names.has(value)) this.#names.set(value, name);
  }

  /**
   * Reads secrets out of bodies of Kubernetes Secrets (JSON) and out of what IAM answers. Whatever its key, a value of a Secret is
   * taken for secret, but for those that everybody may see; they are known by the names of their keys, here or in another body.
   */
  addFrom(text: string): void {
    for (const [, value] of text.matchAll(/<SecretAccessKey>([^<]+)<\/SecretAccessKey>/g)) {
      if (value !== undefined) this.add('a secret access key that IAM issued', value);
    }
    if (!text.startsWith('{')) return;
    const { data = {}, stringData = {} } = JSON.parse(text) as SecretBody;
    for (const [key, value] of Object.entries(stringData)) if (value !== null) this.#addValue(key, value);
    for (const [key, value] of Object.entries(data))
      if (value !== null) this.#addValue(key, Buffer.from(value, 'base64').toString('utf8'));
  }

  #addValue(key: string, value: string): void {
    if (openKeys.has(key) || key.startsWith('bucket-')) this.#open.add(value);
    else if (value.length >= leastLength)
      (secretKeys.has(key) ? this.#names : this.#doubtful).set(value, `${key} of a Secret`);
  }

  get size(): number {
    return this.#all().size;
  }

  #all(): ReadonlyMap<string, string> {
    const doubtful = [...this.#doubtful].filter(([value]) => !this.#open.has(value));
    return new Map([...doubtful, ...this.#names]);
  }

  /** Looks for every value, plain and in the encodings in which output could hold it. */
  search(where: string, text: string): readonly Leak[] {
    return [...this.#all()]
      .filter(([value]) => formsOf(value).some((form) => text.includes(form)))
      .map(([, secret]) => ({ secret, where }));
  }
}

const formsOf = (value: string): readonly string[] => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  Buffer.from(value).toString('hex'),
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
];
