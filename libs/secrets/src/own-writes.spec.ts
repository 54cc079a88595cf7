import type { KubeClient, ObjectKey, StoredObject } from '@operator/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { type OwnWrites, createOwnWrites, secretResource } from './index.ts';

const ref = { namespace: 'team-a', name: 'app-credentials' };
const owner = 'team-a/app';
const secret = (resourceVersion: string): StoredObject => ({
  metadata: {
    ...ref,
    uid: 'u',
    resourceVersion,
    creationTimestamp: '2026-05-05T10:00:00Z',
    ownerReferences: [{ apiVersion: 's3.cloud37.dev/v1alpha1', kind: 'AccessKey', name: 'app', uid: 'o' }],
  },
});

const configMaps = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

let sent: PromiseWithResolvers<StoredObject>[];
let enqueued: ObjectKey[];
let ownWrites: OwnWrites;

beforeEach(() => {
  sent = [];
  enqueued = [];
  const send = () => {
    const answer = Promise.withResolvers<StoredObject>();
    sent.push(answer);
    return answer.promise;
  };
  ownWrites = createOwnWrites(
    { create: send, patch: send } as unknown as KubeClient,
    ({ metadata }) => (metadata.ownerReferences ?? []).map(({ name }) => `${metadata.namespace ?? ''}/${name}`),
    (key) => enqueued.push(key),
  );
});

/** A write of ours; `answer` ends it. */
const begin = (verb: 'create' | 'patch' = 'create') => {
  const { kube } = ownWrites;
  const written =
    verb === 'create'
      ? kube.create(secretResource, { metadata: ref })
      : kube.patch(secretResource, ref, { metadata: { resourceVersion: '1' } });
  const answer = sent.at(-1);
  return {
    answer: async (version: string) => {
      answer?.resolve(secret(version));
      expect(await written).toEqual(secret(version));
    },
    refuse: async () => {
      answer?.reject(new Error('refused'));
      await expect(written).rejects.toThrow('refused');
    },
  };
};
/** What an event enqueues, at once or through the write that it ended. */
const see = (version: string): readonly ObjectKey[] => ownWrites.foreignChange(secret(version), undefined);
const seeGone = (version: string): readonly ObjectKey[] => {
  const gone = secret(version);
  return ownWrites.foreignChange(gone, gone);
};

describe.each(['create', 'patch'] as const)('a Secret that we %s', (verb) => {
  it('concerns nobody when its event comes after the response', async () => {
    await begin(verb).answer('5');
    expect([see('5'), enqueued]).toEqual([[], []]);
  });

  it('concerns nobody when its event comes before the response', async () => {
    const write = begin(verb);
    expect(see('5')).toEqual([]);
    await write.answer('5');
    expect(enqueued).toEqual([]);
  });

  it('concerns its owner when somebody changes it after its event', async () => {
    await begin(verb).answer('5');
    see('5');
    expect(see('6')).toEqual([owner]);
  });

  it('concerns its owner when somebody changes it, and the watch shows only that', async () => {
    await begin(verb).answer('5');
    expect(see('6')).toEqual([owner]);
  });

  it.each([{ shown: ['5', '6'] }, { shown: ['6'] }, { shown: ['4'] }])(
    'concerns its owner once the write ends that was under way when the watch showed $shown',
    async ({ shown }) => {
      const write = begin(verb);
      for (const version of shown) expect(see(version)).toEqual([]);
      expect(enqueued).toEqual([]);
      await write.answer('5');
      expect(enqueued).toEqual([owner]);
    },
  );

  it('concerns its owner when the write fails, for it may have been made all the same', async () => {
    const before = begin(verb);
    see('5');
    await before.refuse();
    expect(enqueued).toEqual([owner]);
    await begin(verb).refuse();
    expect(see('6')).toEqual([owner]);
  });

  it('concerns its owner when it goes, also before the response', async () => {
    const write = begin(verb);
    see('5');
    expect(seeGone('6')).toEqual([owner]);
    await write.answer('5');
    await begin(verb).answer('7');
    expect(seeGone('8')).toEqual([owner]);
  });

  it('is known by the last of two writes, whichever events come late', async () => {
    await begin(verb).answer('5');
    const second = begin('patch');
    expect(see('5')).toEqual([]);
    await second.answer('6');
    expect([see('6'), enqueued]).toEqual([[], []]);
  });

  it('is not remembered once its event was seen, or it is gone, or forgotten', async () => {
    const ends = [() => see('5'), () => seeGone('5'), () => ownWrites.forget(`${ref.namespace}/${ref.name}`)];
    for (const end of ends) {
      await begin(verb).answer('5');
      end();
      expect(see('5')).toEqual([owner]);
    }
    const write = begin(verb);
    see('5');
    await write.answer('5');
    expect(see('5')).toEqual([owner]);
  });

  it('is judged by the write that ends last when two are under way', async () => {
    const [winner, loser] = [begin(verb), begin(verb)];
    see('5');
    await loser.refuse();
    await winner.answer('5');
    expect([see('6'), enqueued]).toEqual([[owner], []]);
  });

  it('stays known when a write ends that began before it was forgotten', async () => {
    const former = begin(verb);
    seeGone('3');
    const write = begin(verb);
    await former.refuse();
    await write.answer('5');
    expect([see('5'), enqueued]).toEqual([[], []]);
  });
});

describe('a Secret that this process did not write', () => {
  it('concerns its owner, as each one of the first list after a start does', () => {
    expect(see('5')).toEqual([owner]);
  });

  it('concerns its owner while we write another one, or what is no Secret', async () => {
    const { kube } = ownWrites;
    const others = [
      kube.create(secretResource, { metadata: { ...ref, name: 'other' } }),
      kube.create(configMaps, { metadata: ref }),
      kube.patch(configMaps, ref, {}),
    ];
    expect(see('5')).toEqual([owner]);
    for (const { resolve } of sent) resolve(secret('5'));
    await Promise.all(others);
    expect([see('5'), enqueued]).toEqual([[owner], []]);
  });
});
