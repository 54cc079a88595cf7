/* Loaded when a Bucket first declares a trail: it takes memory. What is CommonJS has its names in a bundle only where they are imported by name. */
export { CloudTrailClient, GetEventSelectorsCommand, PutEventSelectorsCommand } from '@aws-sdk/client-cloudtrail';
