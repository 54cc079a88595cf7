import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { isKubeError } from '@operator/runtime';

/** For `promise.catch`: says what the controller has no right to. @throws Fault `waiting` Forbidden, or what was caught */
export const explainForbidden =
  (message: string) =>
  (caught: unknown): never => {
    throw isKubeError(caught, 403) ? waiting(reasons.Forbidden, message, { cause: caught }) : caught;
  };
