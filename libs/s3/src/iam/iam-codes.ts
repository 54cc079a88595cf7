/** Codes of IAM's answers, as Amazon's and other servers write them. */
export const gone = ['NoSuchEntity', 'NoSuchEntityException'];
export const exists = ['EntityAlreadyExists', 'EntityAlreadyExistsException'];
export const conflict = ['DeleteConflict', 'DeleteConflictException'];
export const limit = ['LimitExceeded', 'LimitExceededException'];
