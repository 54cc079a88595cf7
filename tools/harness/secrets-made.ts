/** A secret value that stands where it must not. */
export interface Leak {
  /** What the value is; never the value. */
  readonly secret: string;
  readonly where: string;
}

/** Every secret value that a run made, so that its output can be searched for them. */
export class SecretsMade {
  readonly #names = new Map<string, string>();

  /** `name`: what it is, for the report. Values shorter than 8 characters would match by chance and are refused. */
  add(name: string, value: string): void {
    if (value.length < 8) throw new Error(`${name} is too short to be searched for`);
    if (!this.#names.has(value)) this.#names.set(value, name);
  }

  /** Reads secrets out of bodies of Kubernetes Secrets and out of what IAM answers. */
  addFrom(text: string): void {
    for (const [, value] of text.matchAll(/<SecretAccessKey>([^<]+)<\/SecretAccessKey>/g)) {
      if (value !== undefined) this.add('a secret access key that IAM issued', value);
    }
    for (const [, key, encoded] of text.matchAll(/"(secret-access-key|AWS_SECRET_ACCESS_KEY)":\s*"([^"]+)"/g)) {
      if (encoded !== undefined) this.add(`${key ?? ''} of a Secret`, Buffer.from(encoded, 'base64').toString('utf8'));
    }
  }

  get size(): number {
    return this.#names.size;
  }

  /** Looks for every value, plain and in the encodings in which output could hold it. */
  search(where: string, text: string): readonly Leak[] {
    return [...this.#names]
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
