import type { BucketFeature } from '@operator/api';
import { Fault, redact } from '@operator/outcome';
import type { BucketContext, Connection, Driver, DriverDeps, Input } from '@operator/s3';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  createSettingsServer,
  driverDeps,
  expiredCertificate,
  html,
  recordingContext,
  refuse,
  startFakeS3,
  testCertificate,
  type FakeAnswer,
  type FakeRequest,
} from '@operator/testing';
import { declarationsWith, surroundings, type AnyDeclaration } from '@operator/testing/declarations';
import { describe, expect, it, type TestContext } from 'vitest';
import { driversWith } from './drivers.ts';

// What goes wrong between the operator and a server, against the reads and writes of every declared feature. A new feature is tried without
// an edit here, as long as its settings are sub-resources of the S3 API: those the server of the test has all.

/** One misbehaviour, and what a call that meets it must be told as. */
interface Trouble {
  readonly title: string;
  readonly kind: Fault['kind'];
  readonly reason: string;
  /** `truly`: carries the request out, and gives the true answer. */
  readonly answer: (truly: () => FakeAnswer) => FakeAnswer;
  /** The answer to a write says 200: whether it was carried out, the next look says. */
  readonly says200?: boolean;
  /** It is met until the deadline of an attempt. */
  readonly isSilent?: boolean;
}

const transient = (reason: string) => ({ kind: 'transient', reason }) as const;
const waiting = (reason: string) => ({ kind: 'waiting', reason }) as const;
const unreachable = transient('EndpointUnreachable');
const notS3 = waiting('NotAnS3Server');

const troubles: readonly Trouble[] = [
  { title: 'a reset', ...unreachable, answer: () => ({ kind: 'reset' }) },
  { title: 'a reset after the effect', ...unreachable, answer: (truly) => (truly(), { kind: 'reset' }) },
  {
    title: '503 with Retry-After',
    ...transient('Throttled'),
    answer: () => refuse(503, 'SlowDown', 'Slow down.', { 'retry-after': '1' }),
  },
  { title: '503 without a body', ...transient('Throttled'), answer: () => respond(503, '') },
  { title: 'no answer', isSilent: true, ...unreachable, answer: () => ({ kind: 'hang' }) },
  {
    title: 'no answer after the effect',
    isSilent: true,
    ...unreachable,
    answer: (truly) => (truly(), { kind: 'hang' }),
  },
  { title: 'an answer that never ends', isSilent: true, ...unreachable, answer: () => ({ kind: 'drip' }) },
  { title: 'half an answer', ...unreachable, answer: (truly) => ({ kind: 'half', of: truly() }) },
  { title: 'a document that breaks off', ...notS3, says200: true, answer: (truly) => cut(truly()) },
  { title: 'an empty answer', ...notS3, says200: true, answer: (truly) => (truly(), respond(200, '')) },
  {
    title: 'a document of something else',
    ...notS3,
    says200: true,
    answer: (truly) => (truly(), respond(200, '<Health><Status>ok</Status></Health>')),
  },
  { title: 'a web page', ...notS3, answer: () => html() },
  { title: 'a web page of a gateway', ...transient('ServerError'), answer: () => html(502) },
  { title: 'a web page that refuses', ...notS3, answer: () => html(403) },
  {
    title: '301 to another region',
    ...waiting('WrongRegion'),
    answer: () => refuse(301, 'PermanentRedirect', 'Elsewhere.', { 'x-amz-bucket-region': 'eu-west-3' }),
  },
  {
    title: '301 to another address',
    ...notS3,
    answer: () => respond(301, '', { location: 'https://elsewhere.test/' }),
  },
  {
    title: 'a clock that is wrong',
    ...waiting('ClockSkew'),
    answer: () => refuse(403, 'RequestTimeTooSkewed', 'Too skewed.', { date: 'Tue, 05 May 2026 10:00:00 GMT' }),
  },
];

/** Those after which a second try helps, and at once. */
const passing: readonly Trouble[] = [
  ...troubles.filter(({ kind, isSilent }) => kind === 'transient' && isSilent !== true),
  // The next call on its connection meets them.
  { title: 'bytes after its answer', ...unreachable, answer: (truly) => ({ kind: 'overlong', of: truly() }) },
];

const respond = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): FakeAnswer => ({
  kind: 'respond',
  status,
  headers,
  body,
});

/** A whole answer with the first two thirds of its document, if it has one. */
const cut = (answer: FakeAnswer): FakeAnswer =>
  answer.kind === 'respond' && answer.body !== ''
    ? { ...answer, status: 200, body: answer.body.slice(0, (answer.body.length * 2) / 3) }
    : answer;

const isWrite = ({ method }: FakeRequest): boolean => method === 'PUT' || method === 'POST' || method === 'DELETE';
const isOfAccount = ({ method, path }: FakeRequest): boolean => method === 'POST' && path === '/';

type Aspect = Driver['aspects'][number];
type View = NonNullable<Awaited<ReturnType<Aspect['look']>>>;
type Step = Extract<View, { readonly verdict: 'different' }>['step'];

type Settings = readonly (readonly [string, string])[];

/** A server with one bucket, and a feature of it as the first driver sees it that has it. */
interface Scene {
  /** What the bucket has, by name. */
  readonly settings: () => Settings;
  /** What it had after each write that was carried out since the last call. */
  readonly visited: () => readonly Settings[];
  /** Requests that the server got since the last call, without those about the account. */
  readonly requests: () => readonly FakeRequest[];
  /** From now on requests that `meets` picks meet it; undefined: none do. */
  readonly trouble: (trouble: Trouble | undefined, meets?: (request: FakeRequest) => boolean) => void;
  readonly look: (declared: object) => Promise<View | Fault>;
  readonly stepTo: (declared: object) => Promise<Step>;
  readonly apply: (step: Step) => Promise<'done' | 'refused' | Fault>;
  /** Looks and applies until nothing is to be done, and leaves a client that has met nothing yet. */
  readonly converge: (declared: object) => Promise<void>;
}

const bucket = 'photos';
/** Where silence is met, no longer than a busy machine needs for an answer. */
const shortDeadlines = { attemptMs: 500, callMs: 1_500 };

const openDriver = async (
  feature: BucketFeature,
  connection: Connection,
  deps: Partial<DriverDeps>,
): Promise<Driver> => {
  const drivers = driversWith(driverDeps(deps));
  for (const type of ['aws', 'custom', 'minio', 'wasabi'] as const) {
    const driver = await drivers[type](connection);
    if (driver.aspects.some(({ name }) => name === feature) && !driver.unsupported.has(feature)) return driver;
    driver.close();
  }
  throw new Error(`no driver has ${feature}`);
};

interface SceneOptions {
  readonly connection?: Partial<Connection>;
  readonly deps?: Partial<DriverDeps>;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const orFault = async <T>(result: Promise<T>): Promise<T | Fault> => {
  try {
    return await result;
  } catch (caught) {
    if (caught instanceof Fault) return caught;
    throw caught;
  }
};

const setScene = async (
  { feature, beside }: AnyDeclaration,
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  { connection, deps = {}, tls }: SceneOptions = {},
): Promise<Scene> => {
  const fake = await startFakeS3(tls === undefined ? {} : { tls });
  const server = createSettingsServer();
  server.respond({ method: 'PUT', path: `/${bucket}`, query: new URLSearchParams(), headers: {}, body: '' });
  const settings = (): Settings =>
    [...(server.settings(bucket) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
  const visited: Settings[] = [];
  let meeting: (request: FakeRequest) => Trouble | undefined = () => undefined;
  fake.answer((request) => {
    const truly = () => {
      const answered = server.respond(request);
      if (isWrite(request)) visited.push(settings());
      return answered;
    };
    return meeting(request)?.answer(truly) ?? truly();
  });
  const connected = connectionTo(fake.endpoint, { adminEndpoint: fake.endpoint, ...connection });
  let driver = await openDriver(feature, connected, deps);
  const reopen = async (as: Partial<DriverDeps>): Promise<void> => {
    driver.close();
    driver = await openDriver(feature, connected, as);
  };
  onTestFinished(async () => {
    driver.close();
    await fake.close();
  });
  const context = recordingContext();
  const inputOf = (reference: ReturnType<Aspect['refersTo']>[number]): Input => {
    if (reference.kind === 'Secret')
      return { kind: 'Secret', values: new Map(reference.keys.map((key) => [key, redact('JBSWY3DPEHPK3PXP')])) };
    if (reference.kind === 'Provider') return { kind: 'Provider', driver };
    const key = 'team-a/other';
    const known = { bucket: 'other', region: 'us-east-1', credentialsVersion: '1', isOfOneKeeper: true };
    return { kind: 'Bucket', key, driver, ...known };
  };
  let managed: BucketContext['managed'] = {};
  let seen = 0;

  const lookOrThrow = async (declared: object): Promise<View | Fault> => {
    const aspect = driver.aspects.find(({ name }) => name === feature);
    const spec = bucketSpec({ ...beside, [feature]: declared });
    const inputs = new Map(aspect?.refersTo(spec).map((reference) => [reference.as, inputOf(reference)]));
    const s3 = { wire: driver.wire(), bucket };
    const view = await aspect?.look(spec, bucketContext({ managed, inputs }), s3, driver.unsupported, context);
    if (view === undefined) throw new Error(`${feature} is not managed`);
    if (view.managed !== undefined) managed = { [feature]: view.managed };
    return view.verdict === 'blocked' ? view.fault : view;
  };
  const look = (declared: object) => orFault(lookOrThrow(declared));
  const stepTo = async (declared: object): Promise<Step> => {
    const found = await look(declared);
    if (found instanceof Fault) throw found;
    if (found.verdict !== 'different') throw new Error(`${feature} is ${found.verdict}`);
    return found.step;
  };
  const apply = (step: Step) => orFault(step.apply(context).then(({ end }) => end));
  return {
    settings,
    visited: () => visited.splice(0),
    requests() {
      const since = fake.requests.slice(seen).filter((request) => !isOfAccount(request));
      seen = fake.requests.length;
      return since;
    },
    trouble: (trouble, meets = () => true) => {
      meeting = (request) => (trouble !== undefined && meets(request) ? trouble : undefined);
    },
    ...{ look, stepTo, apply },
    async converge(declared) {
      await reopen({});
      for (
        let found = await look(declared);
        found instanceof Fault || found.verdict !== 'same';
        found = await look(declared)
      )
        expect(await apply(await stepTo(declared))).toBe('done');
      await reopen(deps);
    },
  };
};

const wordsOf = ({ method, path, query, body }: FakeRequest): string => [method, path, query, body].join(' ');

/** What a change asks for, and what the bucket has on the way, when all goes well. */
const goWell = async (declaration: AnyDeclaration, context: TestContext, [from, to]: readonly [object, object]) => {
  const scene = await setScene(declaration, context);
  await scene.converge(from);
  const step = await scene.stepTo(to);
  scene.requests();
  scene.visited();
  const before = scene.settings();
  await scene.apply(step);
  const asked = scene.requests();
  await scene.converge(to);
  return {
    from,
    to,
    asks: asked.filter(isWrite).map(wordsOf),
    isRead: !asked.every(isWrite),
    states: [before, ...scene.visited()],
    after: scene.settings(),
  };
};

/** The same result for all that ask; the first asks for it. */
const once = <T>(make: (context: TestContext) => Promise<T>): ((context: TestContext) => Promise<T>) => {
  let made: Promise<T> | undefined;
  return (context) => (made ??= make(context));
};

/** A setting is put, replaced, and taken away where it can be. */
const changesOf = ({
  full,
  other,
  none,
  otherNeeds,
  isForEver,
}: AnyDeclaration): readonly (readonly [object, object])[] => [
  [none, full],
  ...(otherNeeds === undefined ? [[other, full] as const] : []),
  ...(isForEver === true ? [] : [[full, none] as const]),
];

const expectTold = (found: unknown, { kind, reason }: Pick<Trouble, 'kind' | 'reason'>): void => {
  expect(found).toBeInstanceOf(Fault);
  // A server's own admin API has a word of its own for an answer that is none of its.
  const reasons = reason === 'NotAnS3Server' ? [reason, 'RequestRefused'] : [reason];
  expect(found).toMatchObject({ kind, reason: expect.toBeOneOf(reasons) as string });
  // Of what the server sent, no markup comes to people.
  expect((found as Fault).message).not.toMatch(/[<\n]/);
};

/** How a write ended that was to meet trouble. */
interface Meeting {
  readonly scene: Scene;
  readonly end: Awaited<ReturnType<Scene['apply']>>;
  /** Writes that were asked for. */
  readonly asked: string[];
}

const depsFor = ({ isSilent = false }: Trouble, patience = 1): SceneOptions => {
  const { attemptMs, callMs } = shortDeadlines;
  return isSilent ? { deps: { deadlines: { attemptMs: attemptMs * patience, callMs: callMs * patience } } } : {};
};

/** Those whose settings are sub-resources. */
const ofS3 = declarationsWith(surroundings.moto).filter(({ feature }) => feature !== 'cloudTrail');

describe.each(ofS3)('$feature', (declaration) => {
  const { full, none } = declaration;
  const changes = once((context: TestContext) =>
    Promise.all(changesOf(declaration).map((change) => goWell(declaration, context, change))),
  );

  it.concurrent.for(troubles)(
    'is not taken for Ready, nor for wrong, where a read meets $title',
    async (trouble, context) => {
      const scene = await setScene(declaration, context, depsFor(trouble));
      await scene.converge(full);
      scene.requests();
      scene.trouble(trouble);
      for (const declared of [full, none]) expectTold(await scene.look(declared), trouble);
      expect(scene.requests().filter(isWrite)).toEqual([]);
      scene.trouble(undefined);
      await scene.converge(full);
      expect(scene.requests().filter(isWrite)).toEqual([]);
    },
  );

  it.concurrent.for(troubles)('is written to one effect where a write meets $title', async (trouble, context) => {
    const meet = async (from: object, to: object, patience = 1): Promise<Meeting> => {
      const scene = await setScene(declaration, context, depsFor(trouble, patience));
      await scene.converge(from);
      const step = await scene.stepTo(to);
      scene.requests();
      scene.trouble(trouble, isWrite);
      const end = await scene.apply(step);
      const asked = scene.requests().filter(isWrite).map(wordsOf);
      // A busy machine may be too slow for the read before the write.
      return asked.length === 0 && patience < 16 ? meet(from, to, patience * 4) : { scene, end, asked };
    };
    for (const { from, to, asks, states, after } of await changes(context)) {
      const { scene, end, asked } = await meet(from, to);
      if (trouble.says200 !== true || end instanceof Fault) expectTold(end, trouble);
      // Nothing else is asked for than when all goes well, and nothing else comes of it.
      expect(asked.length).toBeGreaterThan(0);
      expect(asks).toEqual(expect.arrayContaining(asked));
      expect(states).toContainEqual(scene.settings());
      scene.trouble(undefined);
      await scene.converge(to);
      expect(scene.settings()).toEqual(after);
    }
  });

  it.concurrent.for(troubles)('is not written after a read that meets $title', async (trouble, context) => {
    for (const { from, to, isRead } of await changes(context)) {
      // What is put whole needs no read.
      if (!isRead) continue;
      const scene = await setScene(declaration, context, depsFor(trouble));
      await scene.converge(from);
      const step = await scene.stepTo(to);
      scene.requests();
      scene.trouble(trouble, (request) => !isWrite(request));
      expectTold(await scene.apply(step), trouble);
      const asked = scene.requests();
      expect(asked.slice(asked.findIndex((request) => !isWrite(request))).filter(isWrite)).toEqual([]);
    }
  });

  it.concurrent.for(passing)(
    'is read and written where the first try of each call meets $title',
    async (trouble, context) => {
      for (const { from, to, after } of await changes(context)) {
        const scene = await setScene(declaration, context);
        await scene.converge(from);
        const tried = new Set<string>();
        scene.trouble(trouble, (request) => {
          const words = wordsOf(request);
          const isFirst = !tried.has(words);
          tried.add(words);
          return isFirst;
        });
        expect(await scene.apply(await scene.stepTo(to))).toBe('done');
        scene.trouble(undefined);
        await scene.converge(to);
        expect(scene.settings()).toEqual(after);
      }
    },
  );

  it.concurrent('is asked of no server with an expired certificate', async (context) => {
    const tls = { insecureSkipVerify: false, caCertificate: expiredCertificate.cert };
    const scene = await setScene(declaration, context, { tls: expiredCertificate, connection: { tls } });
    for (const declared of [full, none]) expectTold(await scene.look(declared), waiting('TlsFailed'));
    expect(scene.requests()).toEqual([]);
  });

  it.concurrent('is asked of a server whose authority is known', async (context) => {
    const tls = { insecureSkipVerify: false, caCertificate: testCertificate.cert };
    const scene = await setScene(declaration, context, { tls: testCertificate, connection: { tls } });
    await scene.converge(full);
  });

  it.concurrent('knocks no more at a server that is silent', async (context) => {
    const scene = await setScene(declaration, context);
    await scene.converge(full);
    scene.trouble({ ...unreachable, title: 'silence', answer: () => ({ kind: 'reset' }) });
    for (let looks = 0; looks < 10; looks += 1) expectTold(await scene.look(full), unreachable);
    scene.requests();
    expectTold(await scene.look(full), unreachable);
    expect(scene.requests()).toEqual([]);
  });

  it.concurrent('waits for its turn in the rate of the Provider, and not for ever', async (context) => {
    const scene = await setScene(declaration, context, {
      connection: { requestsPerSecond: 0.001 },
      deps: { deadlines: { callMs: 200 } },
    });
    expectTold(await scene.look(full), transient('Throttled'));
    expect(scene.requests()).toEqual([]);
  });
});
