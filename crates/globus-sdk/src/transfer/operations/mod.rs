//! The operations of Globus Transfer, one in each file.

mod submission;

use crate::operation::operations;

operations! {
    cancel_task: CancelTask,
    endpoint_search: EndpointSearch,
    get_endpoint: GetEndpoint,
    get_submission_id: GetSubmissionId,
    get_task: GetTask,
    operation_ls: OperationLs,
    operation_mkdir: OperationMkdir,
    operation_rename: OperationRename,
    operation_stat: OperationStat,
    submit_delete: SubmitDelete,
    submit_transfer: SubmitTransfer,
    task_event_list: TaskEventList,
    task_list: TaskList,
    task_skipped_errors: TaskSkippedErrors,
    task_successful_transfers: TaskSuccessfulTransfers,
    update_task: UpdateTask,
}
