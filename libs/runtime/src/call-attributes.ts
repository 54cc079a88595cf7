import type { CallAnswer, ExternalCall } from '@operator/outcome';
import type { SpanAttributes } from './tracing.ts';

/** AWS's own names of its APIs; every other API has the name by which metrics know it. */
const awsServices: Readonly<Record<string, string>> = { s3: 'S3', iam: 'IAM', sts: 'STS', cloudtrail: 'CloudTrail' };

/** Where a request goes. `url`: of the server. */
export const serverAttributes = (url: string): SpanAttributes => {
  const { hostname, port, protocol } = new URL(url);
  const implied = protocol === 'http:' ? 80 : 443;
  return { 'server.address': hostname, 'server.port': port === '' ? implied : Number(port) };
};

/** The name of a call's span. Source: OpenTelemetry, Semantic conventions for AWS SDK client spans. */
export const spanNameOf = ({ service, operation }: ExternalCall): string =>
  `${awsServices[service] ?? service}.${operation}`;

/** What is known of a call before it is answered. Source: as above, and those for S3 client spans and for RPC. */
export const callAttributes = ({ service, operation, endpoint, bucket }: ExternalCall): SpanAttributes => ({
  'rpc.system.name': service in awsServices ? 'aws-api' : service,
  'rpc.method': `${awsServices[service] ?? service}/${operation}`,
  ...(endpoint === undefined ? {} : serverAttributes(endpoint)),
  ...(bucket === undefined ? {} : { 'aws.s3.bucket': bucket }),
});

/** What the answer adds. */
export const answerAttributes = ({ status, requestId }: CallAnswer): SpanAttributes => ({
  'http.response.status_code': status,
  ...(requestId === undefined ? {} : { 'aws.request_id': requestId }),
});

/** Whether an answer says that a thing is not there, to who only looks or takes away: that is news, and no failure. */
export const isAbsence = (
  status: number | undefined,
  call: { readonly looks: boolean; readonly removes: boolean },
): boolean => status === 404 && (call.looks || call.removes);
