import { Fault, progressing, settled } from '@operator/outcome';
import { request } from 'undici';
import { type Reconciler, runController } from '../src/index.ts';
import { type WidgetSpec, type WidgetStatus, finalizer, widgets } from './widgets.ts';

/** A small controller as a process of its own: `widget-controller.ts OUTSIDE-URL IDENTITY [flags]`. */
const [outside = '', by = '', ...argv] = process.argv.slice(2);

const configMaps = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

const reach = async (
  method: 'GET' | 'PUT' | 'DELETE',
  key: string,
  query: Record<string, string>,
  signal: AbortSignal,
) => {
  const { statusCode, body } = await request(`${outside}/${key}?${new URLSearchParams({ by, ...query }).toString()}`, {
    method,
    signal,
  });
  const text = await body.text();
  if (statusCode === 503) throw new Fault('transient', 'ServerError', 'the outside refuses');
  return statusCode === 404 ? undefined : Number(text);
};

const reconciler: Reconciler<WidgetSpec, WidgetStatus> = {
  async reconcile({ metadata, spec }, pass) {
    const key = `${metadata.namespace}/${metadata.name}`;
    if (spec.fault !== undefined) throw new Fault(spec.fault.kind, spec.fault.reason, `as ${key} wants it`);
    if (spec.shelf !== undefined) await pass.live(configMaps, `${metadata.namespace}/${spec.shelf}`);
    const size = await pass.call({ service: 'outside', operation: 'Get', write: false }, () =>
      reach('GET', key, {}, pass.signal),
    );
    if (size === spec.size) return settled({ size });
    if (spec.records === true) await pass.record({ size: spec.size });
    await pass.call({ service: 'outside', operation: 'Put', write: true }, () =>
      reach('PUT', key, { size: String(spec.size), ms: String(spec.writeMs ?? 0) }, pass.signal),
    );
    pass.event('Normal', 'WidgetSized', `Its size is ${spec.size}.`);
    return progressing({ size: spec.size }, { reason: 'Sizing', steps: ['size'] });
  },
  async finalize({ metadata }, pass) {
    const key = `${metadata.namespace}/${metadata.name}`;
    await pass.call({ service: 'outside', operation: 'Delete', write: true }, () =>
      reach('DELETE', key, {}, pass.signal),
    );
    return { result: 'done' };
  },
  claimsOf: () => [],
  providerOf: () => undefined,
};

process.exit(
  await runController({
    version: '0.0.0',
    name: 'widget-controller',
    argv,
    env: {},
    build: () => ({ resource: widgets, reconciler, finalizer, isToldElsewhere: ({ reason }) => reason === 'Outage' }),
  }),
);
