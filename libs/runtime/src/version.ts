/** Put in its place by tools/bundle.ts; there is none where the sources run as they are. */
declare const operatorCommit: string | undefined;

/** What runs. */
export interface Version {
  /** Of the app's package.json. */
  readonly version: string;
  /** Of the bundle, abbreviated, with `-dirty` where the working tree was not what it says; undefined where it is not known. */
  readonly commit: string | undefined;
}

/** `version`: of the app's package.json. */
export const versionOf = (version: string): Version => ({
  version,
  commit: typeof operatorCommit === 'undefined' ? undefined : operatorCommit,
});

/** What `--version` prints: `bucket-controller 0.1.0 (commit 1a2b3c4d5e6f)`. */
export const versionLine = (name: string, { version, commit }: Version): string =>
  `${name} ${version}${commit === undefined ? '' : ` (commit ${commit})`}\n`;
