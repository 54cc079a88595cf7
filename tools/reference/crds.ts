import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '../paths.ts';

/** A structural schema, as far as it is told to people. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
}

export interface Crd {
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames: readonly string[] };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

/** The definitions of crds/, in the order in which people meet the kinds. */
export const readCrds = async (): Promise<readonly Crd[]> => {
  const folder = join(projectRoot, 'crds');
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
  const order = ['Provider', 'Bucket', 'BucketPolicy', 'AccessKey'];
  const rank = ({ spec }: Crd) => order.indexOf(spec.names.kind);
  return texts.map((text) => parse(text) as Crd).sort((one, other) => rank(one) - rank(other));
};
