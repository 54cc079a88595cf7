import { expect, it } from 'vitest';
import { fieldsOf, kubectlIn, wordsOf } from './commands.ts';

it('finds the commands of a page, in its blocks and its sentences', () => {
  const text =
    '# Look\n\n```\nkubectl get s3 -A | grep -v True\nhelm list\nkubectl get pods && kubectl get leases\n```\n\nOr `kubectl get s3`, `kube`.\n';
  expect(kubectlIn('a.md', text).map(({ command }) => command)).toEqual([
    'kubectl get s3 -A',
    'kubectl get pods',
    'kubectl get leases',
    'kubectl get s3',
  ]);
});

it('splits a command as a shell does', () => {
  expect(wordsOf(`kubectl annotate s3b photos a/b="$(date)" c=$(date +%s) -o 'x y' d=''`)).toEqual([
    ...['kubectl', 'annotate', 's3b', 'photos', 'a/b=1', 'c=1', '-o', 'x y', 'd='],
  ]);
});

it('finds the fields that columns lead to', () => {
  const columns = 'custom-columns=NS:.metadata.namespace,READY:.status.conditions[?(@.type=="Ready")].reason';
  expect(fieldsOf(['get', '-o', columns])).toEqual(['metadata.namespace', 'status.conditions.reason']);
});
