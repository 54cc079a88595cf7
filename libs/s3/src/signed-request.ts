import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest, type HttpResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Connection } from './connection.ts';
import { identityOf, type HearHeaders, type Uplink } from './uplink.ts';
import type { WireAnswer } from './wire-answer.ts';

/** A request on its way, once its answer has begun. */
export interface SignedExchange {
  readonly response: HttpResponse;
  /**
   * Takes note of what the answer says of the time that was signed with. Returns true when it was refused for that time, which is corrected since:
   * as `inTime` wants it.
   */
  readonly learnTime: (answer: WireAnswer) => boolean;
}

/** `hear`: gets the head of every answer, also of a refusal. @throws network errors */
export type SendSigned = (request: HttpRequest, signal: AbortSignal, hear: HearHeaders) => Promise<SignedExchange>;

/** Signs as S3 wants it, with the time of the server where that is another, and sends; once, without deadline or retry. Source: AWS Signature V4. */
export const createSendSigned = (
  endpoint: string,
  { region, credentials }: Pick<Connection, 'region' | 'credentials'>,
  uplink: Pick<Uplink, 'http' | 'userAgent' | 'signingClock'>,
): SendSigned => {
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials: identityOf(credentials),
    sha256: Sha256,
    uriEscapePath: false,
  });
  const clock = uplink.signingClock(endpoint);
  return async (request, signal, hear) => {
    request.headers['user-agent'] = uplink.userAgent;
    const signingDate = clock.now();
    const signed = await signer.sign(request, { signingDate });
    const { response } = await uplink.http.handle(new HttpRequest(signed), { abortSignal: signal });
    const { headers, statusCode } = response;
    hear(headers, statusCode);
    return { response, learnTime: (answer) => clock.hear({ answer, headers }, signingDate) };
  };
};
