import type { Pinned } from '../images/base.ts';

/** Where a build ran. */
export interface Builder {
  /** URI of whoever answers for the build. */
  readonly id: string;
  /** URI of the one run. */
  readonly invocation: string | undefined;
}

const home = 'https://github.com/cloud37/wasabi-s3-operator';

/** GitHub's variables say which workflow runs; without them it is a machine that nobody answers for. */
export const builderOf = (env: Readonly<Record<string, string | undefined>>): Builder => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_WORKFLOW_REF: workflow } = env;
  if (server === undefined || repository === undefined || workflow === undefined)
    return { id: `${home}/blob/main/docs/release.md#by-hand`, invocation: undefined };
  const { GITHUB_RUN_ID: run = '', GITHUB_RUN_ATTEMPT: attempt = '1' } = env;
  return {
    id: `${server}/${workflow}`,
    invocation: `${server}/${repository}/actions/runs/${run}/attempts/${attempt}`,
  };
};

/** What a release was made from, and where. Source: slsa.dev, provenance v1. */
export const provenanceOf = ({
  version,
  commit,
  lockDigest,
  pinned,
  builder,
}: {
  readonly version: string;
  /** Full hash. */
  readonly commit: string;
  /** SHA-256 of package-lock.json, hex. */
  readonly lockDigest: string;
  /** The files that the base of the images is made of. */
  readonly pinned: readonly Pinned[];
  readonly builder: Builder;
}) => ({
  buildDefinition: {
    buildType: `${home}/blob/main/docs/release.md#what-is-built`,
    externalParameters: { source: `git+${home}`, ref: `refs/tags/v${version}`, command: 'npm run release -- build' },
    resolvedDependencies: [
      { uri: `git+${home}@refs/tags/v${version}`, digest: { gitCommit: commit } },
      { name: 'package-lock.json', digest: { sha256: lockDigest } },
      ...pinned.map(({ uri, digest }) => ({ uri, digest })),
    ],
  },
  runDetails: {
    builder: { id: builder.id },
    ...(builder.invocation === undefined ? {} : { metadata: { invocationId: builder.invocation } }),
  },
});
