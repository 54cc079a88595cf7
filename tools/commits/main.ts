import { projectRoot } from '../paths.ts';
import { commitsSince } from './history.ts';
import { judgeCommit } from './judge.ts';

// npm run commits: whether the commits that are to land say what they are. The last line is `commits: N passed, N failed`.

/** What came before is as it is. */
const base = '5a7ea84a2a7512dba9b2b2b8803c3ffc8149dfde';

try {
  const commits = await commitsSince(base, projectRoot);
  let failed = 0;
  for (const commit of commits) {
    const wrong = judgeCommit(commit);
    if (wrong.length > 0) failed += 1;
    for (const sentence of wrong) console.log(`commit ${commit.hash}: ${sentence}`);
  }
  console.log(`commits: ${commits.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
