import { bucketInArn, type IamStatement } from '@operator/policy';

/**
 * What statements allow beyond these buckets; empty when nothing. A namespace that may use another one's Provider gets no more
 * of its account than the buckets that are granted to it. `statements`: as rendered.
 */
export const allowedBeyond = (
  statements: readonly IamStatement[],
  bucketNames: ReadonlySet<string>,
): readonly string[] =>
  statements.flatMap((statement, position) => {
    if (statement.Effect !== 'Allow') return [];
    const at = `statement[${String(position)}]`;
    const { Action: actions, Resource: resources } = statement;
    if (actions === undefined || resources === undefined) {
      return [`${at}: notAction and notResource allow what nobody can foresee`];
    }
    return [
      ...actions
        .filter((action) => !action.toLowerCase().startsWith('s3:'))
        .map((action) => `${at}.action: ${action} is not an action of S3`),
      ...resources
        .filter((arn) => !bucketNames.has(bucketInArn(arn) ?? ''))
        .map((arn) => `${at}.resource: ${arn} is in no bucket that access names`),
    ];
  });
