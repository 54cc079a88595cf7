import { providerOf } from '@operator/references/testing';
import { expect, it } from 'vitest';
import { createSecretWatches, type WatchBounds } from './secret-watches.ts';

const server = { serverIdentity: 'http://s3.test' };
const named = (name: string, ...secrets: readonly [string, string]) => inNamespace('team-a', name, ...secrets);
const inNamespace = (namespace: string, name: string, ...secrets: readonly [string, string]) =>
  providerOf(server, {
    metadata: { name, namespace },
    spec: {
      auth: { accessKeySecretRef: { name: secrets[0], key: 'a' }, secretKeySecretRef: { name: secrets[1], key: 'b' } },
    },
  });

const begin = (...bounds: readonly WatchBounds[]) => {
  const watched = new Map<string, (object: never) => void>();
  const enqueued: string[] = [];
  const watching: Parameters<typeof createSecretWatches>[0] = {
    watchOne: (_resource, { namespace = '', name }, onChange) => {
      watched.set(`${namespace}/${name}`, onChange);
      return () => void watched.delete(`${namespace}/${name}`);
    },
    enqueue: (key) => void enqueued.push(key),
  };
  const watches = createSecretWatches(watching, ...bounds);
  const tell = (key: string, resourceVersion?: string) => {
    const found = resourceVersion === undefined ? undefined : { metadata: { resourceVersion } };
    watched.get(key)?.(found as never);
    return enqueued.splice(0);
  };
  return { watches, watched, tell };
};

it('a Secret is watched once, however many follow it, and a change wakes them all', () => {
  const { watches, watched, tell } = begin();
  watches.follow(named('one', 'id', 'secret'));
  watches.follow(named('two', 'id', 'id'));
  expect([...watched.keys()]).toEqual(['team-a/id', 'team-a/secret']);
  expect(tell('team-a/id', '1')).toEqual(['team-a/one', 'team-a/two']);
  expect(tell('team-a/id', '1')).toEqual([]);
  expect(tell('team-a/id', '2')).toEqual(['team-a/one', 'team-a/two']);
  expect(tell('team-a/id')).toEqual(['team-a/one', 'team-a/two']);
  expect(tell('team-a/secret', '1')).toEqual(['team-a/one']);
});

it('what the watch first finds wakes too: it may have changed since the pass read it', () => {
  const { watches, tell } = begin();
  watches.follow(named('one', 'id', 'id'));
  expect(tell('team-a/id')).toEqual(['team-a/one']);
});

it('a watch ends with its last follower', () => {
  const { watches, watched } = begin();
  watches.follow(named('one', 'id', 'secret'));
  watches.follow(named('two', 'id', 'id'));
  watches.follow(named('one', 'id', 'other'));
  expect([...watched.keys()]).toEqual(['team-a/id', 'team-a/other']);
  watches.unfollow('team-a/one');
  expect([...watched.keys()]).toEqual(['team-a/id']);
  watches.unfollow('team-a/two');
  expect([...watched.keys()]).toEqual([]);
});

it('there are so many in a namespace and so many in all; one that ends makes room at the next pass', () => {
  const { watches, watched } = begin({ inAll: 3, inNamespace: 2 });
  watches.follow(named('one', 'a', 'b'));
  watches.follow(named('two', 'c', 'd'));
  expect([...watched.keys()]).toEqual(['team-a/a', 'team-a/b']);
  watches.follow(inNamespace('team-b', 'other', 'a', 'b'));
  expect([...watched.keys()]).toEqual(['team-a/a', 'team-a/b', 'team-b/a']);
  watches.unfollow('team-a/one');
  watches.follow(inNamespace('team-b', 'other', 'a', 'b'));
  watches.follow(named('two', 'c', 'd'));
  expect([...watched.keys()]).toEqual(['team-b/a', 'team-b/b', 'team-a/c']);
});
