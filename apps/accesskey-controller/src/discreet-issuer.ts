import { reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import { withoutServersWords, type KeyIssuer } from '@operator/s3';
import type { KeyPass } from './work.ts';

/**
 * The issuer of a Provider that is only lent. In refusals servers name users, groups and policies of the lender's account: that stands in the
 * log alone. What they say of a policy is about the borrower's own document.
 */
export const discreetIssuer = (issuer: KeyIssuer, log: Pick<KeyPass['log'], 'info'>): KeyIssuer => {
  const discreet = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (caught) {
      if (!(caught instanceof Fault) || caught.reason === reasons.PolicyInvalid) throw caught;
      const told = withoutServersWords(caught);
      if (told !== caught)
        log.info(
          { event: 'fault', reason: caught.reason, told: caught.message },
          'the server of a lent Provider refused a call',
        );
      throw told;
    }
  };
  return {
    ...issuer,
    // What the server is shows by its first answer.
    get maxKeysPerUser() {
      return issuer.maxKeysPerUser;
    },
    get lacksActions() {
      return issuer.lacksActions;
    },
    observeUser: (...given) => discreet(issuer.observeUser(...given)),
    putUser: (...given) => discreet(issuer.putUser(...given)),
    putPolicy: (...given) => discreet(issuer.putPolicy(...given)),
    createKey: (...given) => discreet(issuer.createKey(...given)),
    deleteKey: (...given) => discreet(issuer.deleteKey(...given)),
    deleteUser: (...given) => discreet(issuer.deleteUser(...given)),
  };
};
