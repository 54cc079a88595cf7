/** Names by which a host calls a region in place of the region's own. Source: Wasabi, Service URLs for Wasabi's Storage Regions. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['nl-1', 'eu-central-1'],
  ['de-1', 'eu-central-2'],
  ['uk-1', 'eu-west-1'],
  ['fr-1', 'eu-west-2'],
  ['uk-2', 'eu-west-3'],
  ['it-1', 'eu-south-1'],
]);

/** True when the endpoint is one of Wasabi's own. */
export const isWasabiEndpoint = (endpoint: string): boolean => /(^|\.)wasabisys\.com$/.test(new URL(endpoint).hostname);

/** The region that a Wasabi endpoint has the buckets of; undefined for hosts of another form. */
export const regionOfEndpoint = (endpoint: string): string | undefined => {
  const { hostname } = new URL(endpoint);
  // The first region's host has no region in it.
  if (hostname === 's3.wasabisys.com') return 'us-east-1';
  const named = /^s3\.([a-z0-9-]+)\.wasabisys\.com$/.exec(hostname)?.[1];
  return named === undefined ? undefined : (aliases.get(named) ?? named);
};

/** The endpoint of a region's buckets. */
export const endpointOfRegion = (region: string): string => `https://s3.${region}.wasabisys.com`;
